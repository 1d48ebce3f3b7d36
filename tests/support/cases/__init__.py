"""The cases of the conformance tests: a module with a `CASE` for each kind of engine."""

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Literal

from support.driver import EngineDriver, drive_engine
from terrarium_server.engines import Engine, Job

# How a provider can behave. Each kind with a provider simulates all of them with a real HTTP server:
# slow: takes a while and reports; moderated: refuses the content; busy: 429 with a delay; hangs: never
# answers; vanishes: loses the job; invalid: answers with invalid data; wrong_type: returns another type of
# file; drops: accepts and charges, but the connection breaks before its answer arrives.
Situation = Literal["slow", "moderated", "busy", "hangs", "vanishes", "invalid", "wrong_type", "drops"]


@dataclass(frozen=True)
class ProviderCase:
    """An engine with a simulated provider; ``charges`` returns how often the provider charged."""

    engine: Engine
    job: Job
    charges: Callable[[], int]


@dataclass(frozen=True)
class Case:
    """How the tests open an engine of a kind, and its jobs.

    ``open`` yields an engine with all that it needs, and its user closes it. ``job`` makes a short job with
    the given key, ``long_job`` one that takes several seconds and reports progress, ``wrong_job`` one that is
    refused. ``in_processes`` is true if the engine starts child processes. ``situations`` holds every
    `Situation` for an engine with a provider, and none for others.
    """

    open: Callable[[], AbstractContextManager[Engine]]
    job: Callable[[str], Job]
    long_job: Callable[[str], Job]
    wrong_job: Callable[[str], Job]
    content_type: str
    in_processes: bool = False
    situations: Mapping[Situation, Callable[[], AbstractContextManager[ProviderCase]]] = field(
        default_factory=dict[Situation, Callable[[], AbstractContextManager[ProviderCase]]]
    )

    @contextmanager
    def driver(self) -> Iterator[EngineDriver]:
        """Open an engine with a driver, and close it afterwards."""
        with self.open() as engine, drive_engine(engine) as driver:
            yield driver


# The kinds that need torch are tested by `make test-local`, the others by `make test`.
_NEED_TORCH = {"diffusers", "transformers"}


def all_kinds() -> list[str]:
    """Return the names of all kinds with a case."""
    return [info.name for info in pkgutil.iter_modules(__path__)]


def all_cases() -> dict[str, Case]:
    """Return the cases by kind: those that need torch if it is installed, otherwise the others."""
    has_torch = importlib.util.find_spec("torch") is not None
    chosen = [name for name in all_kinds() if (name in _NEED_TORCH) is has_torch]
    return {name: importlib.import_module(f"{__name__}.{name}").CASE for name in chosen}
