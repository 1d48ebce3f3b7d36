"""Fixtures for the engines on PyTorch: one of each kind, whose child is kept over the tests of a file."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from support.server import DEADLINE
from support.tiny import tiny_model
from terrarium_server.engines import (
    Engine,
    Failed,
    Finished,
    Input,
    Job,
    Look,
    Output,
    Setup,
    Ticket,
    Waiting,
    find_kind,
)


@dataclass
class Local:
    """An engine, and a way to have a job done by it; ``seen`` is what it said while it waited."""

    engine: Engine
    type: str
    seen: list[Waiting] = field(default_factory=list[Waiting])
    _jobs: int = 0

    def start(
        self,
        model: str | Path,
        prompt: str = "a fern on a windowsill",
        *,
        type: str | None = None,
        picture: Path | None = None,
        options: dict[str, Any] | None = None,
        seed: int = 7,
        **params: Any,
    ) -> Ticket:
        """Hand in a job for one of the tiny models, or for one in a folder or on the hub."""
        self._jobs += 1
        source = str(model if isinstance(model, Path) or "/" in model else tiny_model(model))
        inputs = {"image_url": (Input(picture, "image/png"),)} if picture else {}
        chosen = {"model": source, **(options or {})}
        job = Job(f"run_{self._jobs}", "tiny", type or self.type, prompt, params, seed, inputs, chosen)
        return self.engine.submit(job)

    def end(self, ticket: Ticket) -> Look:
        """Wait for what becomes of it."""
        self.seen.clear()
        deadline = time.monotonic() + DEADLINE
        while isinstance(look := self.engine.look(ticket, wait_seconds=0.5), Waiting):
            self.seen.append(look)
            assert time.monotonic() < deadline, "no end"
        return look

    def make(
        self, model: str | Path, prompt: str = "a fern on a windowsill", **more: Any
    ) -> tuple[Output, ...]:
        """Have a job done that comes to a good end."""
        look = self.end(self.start(model, prompt, **more))
        assert isinstance(look, Finished), look
        return look.outputs

    def fail(self, model: str | Path, prompt: str = "a fern on a windowsill", **more: Any) -> Failed:
        """Have a job fail."""
        look = self.end(self.start(model, prompt, **more))
        assert isinstance(look, Failed), look
        return look

    def wait_for_progress(self, ticket: Ticket, fraction: float) -> None:
        """Look until a job is as far as that."""
        deadline = time.monotonic() + DEADLINE
        while isinstance(look := self.engine.look(ticket, wait_seconds=0.1), Waiting):
            if look.progress >= fraction:
                return
            assert time.monotonic() < deadline, "it does not get there"
        raise AssertionError(look)


def open_local(kind: str, type: str, **options: Any) -> Local:
    chosen = find_kind(kind)
    given: Any = {"device": "cpu", "threads": 1, **options}
    return Local(chosen.build(Setup(kind, 1, chosen.OPTIONS(**given))), type)


@pytest.fixture(scope="module")
def pictures() -> Iterator[Local]:
    """An engine for diffusion models."""
    local = open_local("diffusers", "image")
    yield local
    local.engine.close()


@pytest.fixture(scope="module")
def texts() -> Iterator[Local]:
    """An engine for language models."""
    local = open_local("transformers", "text")
    yield local
    local.engine.close()


@pytest.fixture
def opened() -> Iterator[Callable[..., Local]]:
    """A way to open engines with other options."""
    made: list[Local] = []

    def open_one(kind: str, type: str, **options: Any) -> Local:
        made.append(open_local(kind, type, **options))
        return made[-1]

    yield open_one
    for local in made:
        local.engine.close()


@pytest.fixture
def children() -> Callable[[], set[int]]:
    """A way to see this process's children, by their process ids."""
    return lambda: {child.pid for child in psutil.Process().children()}
