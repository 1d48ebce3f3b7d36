"""eSpeak NG, the program."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from support.cases import Case
from support.pocket import pocket_job
from terrarium_server.engines import Engine, Job, Setup
from terrarium_server.engines import espeak as kind

LONG = "Ten. " * 3900


@contextmanager
def _open() -> Iterator[Engine]:
    engine = kind.build(Setup("espeak", 1, kind.OPTIONS()))
    yield engine
    engine.close()


def _job(key: str, prompt: str = "Hello there.") -> Job:
    return pocket_job("t2a-espeak", prompt, key=key)


CASE = Case(
    _open,
    _job,
    lambda key: _job(key, LONG),
    lambda key: replace(_job(key), type="image"),
    "audio/mpeg",
    in_processes=True,
)
