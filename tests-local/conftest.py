"""Fixtures for the engines on PyTorch: one of each kind, whose child is kept over the tests of a file."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from support.driving import Driven, driving
from support.pocket import End, in_memory
from support.tiny import tiny_model
from terrarium_server.engines import Failed, Finished, Input, Job, Output, Progress, Setup, Ticket, find_kind


@dataclass
class Local:
    """An engine, and a way to have a job done by it; ``seen`` is what it said on the way."""

    driven: Driven
    type: str
    seen: list[Progress] = field(default_factory=list[Progress])
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
        return self.driven.submit(job)

    def end(self, ticket: Ticket) -> End:
        """Wait for what becomes of it."""
        self.seen.clear()
        for heard in self.driven.follow(ticket):
            if not isinstance(heard, Progress):
                return in_memory(heard)
            self.seen.append(heard)
        raise AssertionError("the news ended without an end")

    def make(
        self, model: str | Path, prompt: str = "a fern on a windowsill", **more: Any
    ) -> tuple[Output, ...]:
        """Have a job done that comes to a good end."""
        end = self.end(self.start(model, prompt, **more))
        assert isinstance(end, Finished), end
        return end.outputs

    def fail(self, model: str | Path, prompt: str = "a fern on a windowsill", **more: Any) -> Failed:
        """Have a job fail."""
        end = self.end(self.start(model, prompt, **more))
        assert isinstance(end, Failed), end
        return end

    def wait_for_progress(self, ticket: Ticket, fraction: float) -> None:
        """Follow a job until it is as far as that."""
        for heard in self.driven.follow(ticket):
            assert isinstance(heard, Progress), heard
            if heard.fraction >= fraction:
                return


@contextmanager
def open_local(kind: str, type: str, **options: Any) -> Iterator[Local]:
    chosen = find_kind(kind)
    given: Any = {"device": "cpu", "threads": 1, **options}
    with driving(chosen.build(Setup(kind, 1, chosen.OPTIONS(**given)))) as driven:
        yield Local(driven, type)


@pytest.fixture(scope="module")
def pictures() -> Iterator[Local]:
    """An engine for diffusion models."""
    with open_local("diffusers", "image") as local:
        yield local


@pytest.fixture(scope="module")
def texts() -> Iterator[Local]:
    """An engine for language models."""
    with open_local("transformers", "text") as local:
        yield local


@pytest.fixture
def opened() -> Iterator[Callable[..., Local]]:
    """A way to open engines with other options."""
    with ExitStack() as stack:
        yield lambda *kind, **options: stack.enter_context(open_local(*kind, **options))


@pytest.fixture
def children() -> Callable[[], set[int]]:
    """A way to see this process's children, by their process ids."""
    return lambda: {child.pid for child in psutil.Process().children()}
