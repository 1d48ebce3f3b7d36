"""Worlds to kill processes in."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from crash.provider import Provider, serving
from crash.world import Launcher, World, running_launcher
from support.postgres import Postgres

MakeWorld = Callable[[Provider], AbstractContextManager[World]]


@pytest.fixture(scope="session")
def launcher() -> Iterator[Launcher]:
    with running_launcher() as started:
        yield started


@pytest.fixture(scope="session")
def used_folder(launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a SQLite server that was started once: its database has all tables."""
    folder = tmp_path_factory.mktemp("used")
    world = World(folder, None, launcher, "", Provider())
    process = world.serve()
    process.wait_for("(Stop with)")
    process.stop()
    world.close()
    return folder


@pytest.fixture(scope="session")
def used_database(launcher: Launcher, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PostgreSQL database on which a worker was started once."""
    url = postgres.fresh_database()
    world = World(tmp_path_factory.mktemp("used"), url, launcher, "", Provider())
    world.worker().stop()
    world.close()
    return url


@pytest.fixture(scope="session")
def sqlite_world(
    launcher: Launcher, used_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> MakeWorld:
    """Makes a world on SQLite."""

    @contextmanager
    def make(provider: Provider) -> Iterator[World]:
        folder = tmp_path_factory.mktemp("world")
        shutil.copytree(used_folder / "data", folder / "data")
        with serving(provider) as address, closing(World(folder, None, launcher, address, provider)) as world:
            yield world

    return make


@pytest.fixture(scope="session")
def postgres_world(
    launcher: Launcher, postgres: Postgres, used_database: str, tmp_path_factory: pytest.TempPathFactory
) -> MakeWorld:
    """Makes a world on PostgreSQL."""

    @contextmanager
    def make(provider: Provider) -> Iterator[World]:
        url = postgres.fresh_database(used_database.rpartition("/")[2])
        folder = tmp_path_factory.mktemp("world")
        with ExitStack() as stack:
            stack.callback(postgres.drop, url)
            address = stack.enter_context(serving(provider))
            yield stack.enter_context(closing(World(folder, url, launcher, address, provider)))

    return make


@pytest.fixture(params=["sqlite", "postgres"])
def make_world(request: pytest.FixtureRequest) -> MakeWorld:
    """Makes a world; the test runs once on SQLite and once on PostgreSQL."""
    return request.getfixturevalue(f"{request.param}_world")
