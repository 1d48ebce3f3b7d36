"""The kind band."""

from collections.abc import Iterator
from contextlib import contextmanager

from support.cases import Case
from support.pocket import pocket_job
from terrarium_pocket.band import engine as kind
from terrarium_server.engines import Engine, Job
from terrarium_server.engines.setup import Setup


@contextmanager
def _open() -> Iterator[Engine]:
    yield kind.build(Setup("band", 1, kind.OPTIONS()))


def _short(key: str) -> Job:
    return pocket_job("t2a-band", "solo piano", key=key, duration=5)


def _long(key: str) -> Job:
    return pocket_job("t2a-band", "an orchestral adventure", key=key, duration=180)


def _wrong(key: str) -> Job:
    return pocket_job("t2a-band", "a quiet song", key=key, instruments=["theremin"])


CASE = Case(_open, _short, _long, _wrong, "audio/mpeg", in_processes=True)
