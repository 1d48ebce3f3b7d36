"""The kind sketch."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from support.cases import Case
from terrarium_pocket.sketch import engine as kind
from terrarium_server.engines import Engine, Job
from terrarium_server.engines.setup import Setup

SMALL: dict[str, Any] = {"aspect_ratio": "1:1", "resolution": "0.5k", "num_images": 1, "style": "auto"}


@contextmanager
def _open() -> Iterator[Engine]:
    yield kind.build(Setup("sketch", 1, kind.OPTIONS()))


def _text(key: str) -> Job:
    return Job(key, "t2t-sketch", "text", "a fern on a windowsill", {}, 7)


def _long(key: str) -> Job:
    params = {**SMALL, "resolution": "4k", "num_images": 4}
    return Job(key, "t2i-sketch", "image", "a fern on a windowsill", params, 7)


def _wrong(key: str) -> Job:
    return Job(key, "t2i-sketch", "hologram", "a fern on a windowsill", SMALL, 7)


CASE = Case(_open, _text, _long, _wrong, "text/plain", in_processes=True)
