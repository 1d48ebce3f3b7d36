"""Stories that are told at the same time, and tests that ask how each of them ended.

A module has ``STORIES``; its one test is parametrized with their cases and looks for its own in ``told``.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from types import ModuleType

import pytest

from crash.provider import Provider
from crash.world import World

MakeWorld = Callable[[Provider], AbstractContextManager[World]]
Worlds = Mapping[str, MakeWorld]
Story = Callable[[MakeWorld], None]
Told = Mapping[str, Future[None]]

# They are mostly waiting, for a dead worker's lease to end above all.
_AT_ONCE = 8


class Stories:
    """The stories of a module, each a function that makes its world and fails if it goes wrong."""

    def __init__(self) -> None:
        self._stories: dict[str, tuple[str, Story]] = {}

    @property
    def cases(self) -> list[str]:
        """What a test is parametrized with: the database and the story's name."""
        return list(self._stories)

    def on(self, *databases: str) -> Callable[[Story], Story]:
        """Tell a story on each of these databases, under its function's name."""

        def add(story: Story) -> Story:
            self.add(story.__name__.replace("_", " "), story, *databases)
            return story

        return add

    def add(self, name: str, story: Story, *databases: str) -> None:
        """Tell a story on each of these databases, under a name of its own."""
        self._stories |= {f"{database}: {name}": (database, story) for database in databases}

    def tell(self, case: str, worlds: Worlds) -> None:
        """Tell one of them."""
        database, story = self._stories[case]
        story(worlds[database])


@contextmanager
def told_at_once(cases: Iterable[str], tell: Callable[[str], None]) -> Iterator[Told]:
    """Tell one story for each case, several at a time; the future of a case has its end or its failure."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield {case: pool.submit(tell, case) for case in cases}
        pool.shutdown(cancel_futures=True)


def chosen_cases(session: pytest.Session, module: ModuleType) -> list[str]:
    """The cases of a module's tests that are run in this session."""
    tests = [item for item in session.items if isinstance(item, pytest.Function) and item.module is module]
    return [str(test.callspec.params["case"]) for test in tests]
