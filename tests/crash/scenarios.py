"""Scenarios that run concurrently; each test checks the result of one of them.

A module has ``SCENARIOS``; its one test is parametrized with their cases and reads ``results``.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from types import ModuleType

import pytest

from crash.deployment import Deployment
from crash.provider import Provider

MakeDeployment = Callable[[Provider], AbstractContextManager[Deployment]]
Deployments = Mapping[str, MakeDeployment]
Scenario = Callable[[MakeDeployment], None]
Results = Mapping[str, Future[None]]

# Scenarios mostly wait, usually for the end of a dead worker's lease.
_AT_ONCE = 8


class Scenarios:
    """The scenarios of a module, each a function that opens its deployment and raises if a check fails."""

    def __init__(self) -> None:
        self._scenarios: dict[str, tuple[str, Scenario]] = {}

    @property
    def cases(self) -> list[str]:
        """The parameters of the test: the database and the scenario's name."""
        return list(self._scenarios)

    def on(self, *databases: str) -> Callable[[Scenario], Scenario]:
        """Add a scenario for each of these databases, under its function's name."""

        def add(scenario: Scenario) -> Scenario:
            self.add(scenario.__name__.replace("_", " "), scenario, *databases)
            return scenario

        return add

    def add(self, name: str, scenario: Scenario, *databases: str) -> None:
        """Add a scenario for each of these databases, under this name."""
        self._scenarios |= {f"{database}: {name}": (database, scenario) for database in databases}

    def run(self, case: str, deployments: Deployments) -> None:
        """Run one of them."""
        database, scenario = self._scenarios[case]
        scenario(deployments[database])


@contextmanager
def run_concurrently(cases: Iterable[str], run: Callable[[str], None]) -> Iterator[Results]:
    """Run the scenarios of these cases, several at a time; the future of a case holds its result."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield {case: pool.submit(run, case) for case in cases}
        pool.shutdown(cancel_futures=True)


def selected_cases(session: pytest.Session, module: ModuleType) -> list[str]:
    """Return the cases of a module's tests that are selected in this session."""
    tests = [item for item in session.items if isinstance(item, pytest.Function) and item.module is module]
    return [str(test.callspec.params["case"]) for test in tests]
