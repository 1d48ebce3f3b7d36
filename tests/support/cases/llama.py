"""The kind llama, with the model of its card."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from support.cases import Case
from support.pocket import pocket_job
from terrarium_pocket.llama import engine as kind
from terrarium_server.engines import Engine, Job
from terrarium_server.engines.setup import Setup

MODEL = "t2t-smollm2-135m"


@contextmanager
def _open() -> Iterator[Engine]:
    yield kind.build(Setup("llama", 1, kind.OPTIONS()))


def _job(key: str) -> Job:
    return pocket_job(MODEL, "Name a fern.", key=key, max_tokens=8)


def _long(key: str) -> Job:
    prompt = "Tell the whole story of a fern on a windowsill, chapter by chapter."
    return pocket_job(MODEL, prompt, key=key, max_tokens=2000, system_prompt="Never stop writing.")


def _wrong(key: str) -> Job:
    return replace(_job(key), type="hologram")


CASE = Case(_open, _job, _long, _wrong, "text/plain", in_processes=True)
