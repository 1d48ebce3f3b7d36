"""The conformance case of an engine that speaks."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from support.cases import Case
from support.pocket import pocket_job
from terrarium_server.engines import Engine, Job
from terrarium_server.engines.registry import load_kind
from terrarium_server.engines.setup import Setup


def speaking_case(name: str, model_id: str, long_text: str) -> Case:
    """The case of a kind and the model that ships for it; ``long_text`` takes it several seconds."""
    kind = load_kind(name)

    @contextmanager
    def open_one() -> Iterator[Engine]:
        yield kind.build(Setup(name, 1, kind.OPTIONS()))

    def job(key: str, prompt: str = "Hello there.") -> Job:
        return pocket_job(model_id, prompt, key=key)

    return Case(
        open_one,
        job,
        lambda key: job(key, long_text),
        lambda key: replace(job(key), type="image"),
        "audio/mpeg",
        in_processes=True,
    )
