"""Fixtures for the kinds on PyTorch: an engine of each kind, shared by the tests of a file."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from support.driver import EngineDriver, drive_engine
from support.pocket import End, in_memory
from support.tiny import tiny_model
from terrarium_server.engines import Failed, Finished, Input, Job, Output, Progress, Ticket
from terrarium_server.engines.registry import load_kind
from terrarium_server.engines.setup import Setup


@dataclass
class Local:
    """An engine with methods that run jobs; ``updates`` is the progress of the last one."""

    driver: EngineDriver
    type: str
    updates: list[Progress] = field(default_factory=list[Progress])
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
        """Submit a job for one of the tiny models, or for a model in a folder or on the hub."""
        self._jobs += 1
        source = str(model if isinstance(model, Path) or "/" in model else tiny_model(model))
        inputs = {"image_url": (Input(picture, "image/png"),)} if picture else {}
        card = {"model": source, **(options or {})}
        job = Job(f"run_{self._jobs}", "tiny", type or self.type, prompt, params, seed, inputs, card)
        return self.driver.submit(job)

    def end(self, ticket: Ticket) -> End:
        """Wait for the end of a job."""
        self.updates.clear()
        for update in self.driver.follow(ticket):
            if not isinstance(update, Progress):
                return in_memory(update)
            self.updates.append(update)
        raise AssertionError("the updates ended without a result")

    def make(
        self, model: str | Path, prompt: str = "a fern on a windowsill", **more: Any
    ) -> tuple[Output, ...]:
        """Run a job that must succeed, and return its outputs."""
        end = self.end(self.start(model, prompt, **more))
        assert isinstance(end, Finished), end
        return end.outputs

    def fail(self, model: str | Path, prompt: str = "a fern on a windowsill", **more: Any) -> Failed:
        """Run a job that must fail, and return its failure."""
        end = self.end(self.start(model, prompt, **more))
        assert isinstance(end, Failed), end
        return end

    def wait_for_progress(self, ticket: Ticket, fraction: float) -> None:
        """Follow a job until its progress reaches a fraction."""
        for update in self.driver.follow(ticket):
            assert isinstance(update, Progress), update
            if update.fraction >= fraction:
                return


@contextmanager
def open_local(kind: str, type: str, **options: Any) -> Iterator[Local]:
    chosen = load_kind(kind)
    given: Any = {"device": "cpu", "threads": 1, **options}
    with drive_engine(chosen.build(Setup(kind, 1, chosen.OPTIONS(**given)))) as driver:
        yield Local(driver, type)


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
    """Opens engines with other options."""
    with ExitStack() as stack:
        yield lambda *kind, **options: stack.enter_context(open_local(*kind, **options))


@pytest.fixture
def children() -> Callable[[], set[int]]:
    """Returns the process ids of this process's children."""
    return lambda: {child.pid for child in psutil.Process().children()}
