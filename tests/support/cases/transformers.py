"""The kind transformers, with a tiny model of random weights."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from support.cases import Case
from support.tiny import tiny_model
from terrarium_server.engines import Engine, Job
from terrarium_server.engines.setup import Setup
from terrarium_server.engines.transformers import engine as kind


@contextmanager
def _open() -> Iterator[Engine]:
    yield kind.build(Setup("transformers", 1, kind.OPTIONS(device="cpu", threads=1)))


def _job(key: str, type: str = "text", **params: Any) -> Job:
    options = {"model": str(tiny_model("language"))}
    checked = {"max_tokens": 8, **params}
    return Job(key, "t2t-tiny", type, "a fern on a windowsill", checked, 7, options=options)


CASE = Case(
    _open,
    _job,
    lambda key: _job(key, max_tokens=4000),
    lambda key: _job(key, "image"),
    "text/plain",
    in_processes=True,
)
