"""What the conformance kit needs to know of each kind of engine: one module for each, with a `CASE`."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Literal

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

    ``job`` makes a small, quick job with the given key, ``long_job`` one that takes several seconds and
    reports progress, ``wrong_job`` one that `submit` refuses. ``in_processes``: it starts child processes.
    ``situations`` are for engines that talk to a provider; those have all of them.
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


def all_cases() -> dict[str, Case]:
    """Every case, by the name of its module, which is the engine's kind."""
    return {
        info.name: importlib.import_module(f"{__name__}.{info.name}").CASE
        for info in pkgutil.iter_modules(__path__)
    }
