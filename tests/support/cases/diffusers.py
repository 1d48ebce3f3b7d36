"""The kind diffusers, with a tiny model of random weights."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from support.cases import Case
from support.tiny import tiny_model
from terrarium_server.engines import Engine, Job
from terrarium_server.engines.diffusers import engine as kind
from terrarium_server.engines.setup import Setup


@contextmanager
def _open() -> Iterator[Engine]:
    yield kind.build(Setup("diffusers", 1, kind.OPTIONS(device="cpu", threads=1)))


def _job(key: str, type: str = "image", **params: Any) -> Job:
    checked = {"aspect_ratio": "1:1", "resolution": "32", "steps": 2, "seed": 7, **params}
    options = {"model": str(tiny_model("picture"))}
    return Job(key, "t2i-tiny", type, "a fern on a windowsill", checked, 7, options=options)


CASE = Case(
    _open,
    _job,
    lambda key: _job(key, steps=900),
    lambda key: _job(key, "text"),
    "image/png",
    in_processes=True,
)
