"""The kind rehearsal, the fake engine for tests of clients."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from support.cases import Case
from terrarium_server.engines import Engine, Job
from terrarium_server.engines.rehearsal import engine as kind
from terrarium_server.engines.setup import Setup


@contextmanager
def _open() -> Iterator[Engine]:
    yield kind.build(Setup("rehearsal", 1, kind.OPTIONS()))


def _job(key: str, **params: Any) -> Job:
    return Job(key, "t2t-rehearsal", "text", "a fern", params, 7)


CASE = Case(
    _open,
    _job,
    lambda key: _job(key, seconds=30.0),
    lambda key: _job(key, outcome="refused"),
    "text/plain",
)
