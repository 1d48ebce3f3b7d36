"""Piper voices, with the one that ships."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from support.cases import Case
from support.pocket import pocket_job
from terrarium_server.engines import Engine, Job, Setup
from terrarium_server.engines import piper as kind

LONG = (
    "The quick brown fox jumps over the lazy dog while the sleepy cat watches from the warm windowsill. " * 30
)


@contextmanager
def _open() -> Iterator[Engine]:
    engine = kind.build(Setup("piper", 1, kind.OPTIONS()))
    yield engine
    engine.close()


def _job(key: str, prompt: str = "Hello there.") -> Job:
    return pocket_job("t2a-piper-joe", prompt, key=key)


CASE = Case(
    _open,
    _job,
    lambda key: _job(key, LONG),
    lambda key: replace(_job(key), type="image"),
    "audio/mpeg",
    in_processes=True,
)
