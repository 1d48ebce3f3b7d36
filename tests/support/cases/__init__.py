"""What the conformance kit needs to know of each kind of engine: one module for each, with a `CASE`."""

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Literal

from support.driving import Driven, driving
from terrarium_server.engines import Engine, Job

# What can go wrong with a provider, and every engine that talks to one must stage with a real HTTP server:
# slow: takes a while and reports; moderated: refuses for content; busy: 429 with a delay; hangs: never
# answers; vanishes: knows the job no more; rubbish: answers with nonsense; wrong_type: hands out another
# kind of file; drops: accepts (and charges), then the connection breaks before its answer arrives.
Situation = Literal["slow", "moderated", "busy", "hangs", "vanishes", "rubbish", "wrong_type", "drops"]


@dataclass(frozen=True)
class Staged:
    """An engine before a provider in some situation; ``charges`` says how often it was made to pay."""

    engine: Engine
    job: Job
    charges: Callable[[], int]


@dataclass(frozen=True)
class Case:
    """How an engine of this kind is opened and kept busy.

    ``open`` provides what the engine needs and yields it; whoever drives the engine closes it. ``job`` makes
    a small, quick job with the given key, ``long_job`` one that takes several seconds and reports progress,
    ``wrong_job`` one that is refused. ``in_processes``: it starts child processes. ``situations`` are for
    engines that talk to a provider; those have all of them.
    """

    open: Callable[[], AbstractContextManager[Engine]]
    job: Callable[[str], Job]
    long_job: Callable[[str], Job]
    wrong_job: Callable[[str], Job]
    content_type: str
    in_processes: bool = False
    situations: Mapping[Situation, Callable[[], AbstractContextManager[Staged]]] = field(
        default_factory=dict[Situation, Callable[[], AbstractContextManager[Staged]]]
    )

    @contextmanager
    def driven(self) -> Iterator[Driven]:
        """An engine of this kind, driven and closed afterwards."""
        with self.open() as engine, driving(engine) as driven:
            yield driven


# Kinds that need torch, which `make test` does without: theirs are the cases of `make test-local`.
_NEED_TORCH = {"diffusers", "transformers"}


def all_kinds() -> list[str]:
    """Every kind that has a case, here or there."""
    return [info.name for info in pkgutil.iter_modules(__path__)]


def all_cases() -> dict[str, Case]:
    """The cases by kind: where torch is installed those that need it, everywhere else the others."""
    has_torch = importlib.util.find_spec("torch") is not None
    chosen = [name for name in all_kinds() if (name in _NEED_TORCH) is has_torch]
    return {name: importlib.import_module(f"{__name__}.{name}").CASE for name in chosen}
