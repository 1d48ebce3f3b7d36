"""The engine that does what it is told, for whoever tests a client."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from support.cases import Case
from terrarium_server.engines import Engine, Job, Setup
from terrarium_server.engines import rehearsal as kind


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
