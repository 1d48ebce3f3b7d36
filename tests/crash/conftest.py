"""Worlds to kill processes in."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from crash.provider import Provider, serving
from crash.stories import MakeWorld, Stories, Told, Worlds, chosen_cases, told_at_once
from crash.world import Launcher, World, running_launcher
from support.postgres import Postgres
from terrarium_server import migrations
from terrarium_server.store import Database


def _build(url: str) -> None:
    """Make all tables."""
    with closing(Database(url)) as database:
        migrations.upgrade(database, migrations.Facts({}, {}))


@pytest.fixture(scope="session")
def launcher() -> Iterator[Launcher]:
    with running_launcher() as started:
        yield started


@pytest.fixture(scope="session")
def template_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose SQLite file has all tables."""
    folder = tmp_path_factory.mktemp("template")
    _build(f"sqlite:///{folder / 'data' / 'terrarium.db'}")
    return folder


@pytest.fixture(scope="session")
def template_database(postgres: Postgres) -> str:
    """The name of a PostgreSQL database that has all tables."""
    url = postgres.fresh_database()
    _build(url)
    return url.rpartition("/")[2]


@pytest.fixture(scope="session")
def sqlite_world(
    launcher: Launcher, template_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> MakeWorld:
    """Makes a world on SQLite."""

    @contextmanager
    def make(provider: Provider) -> Iterator[World]:
        folder = tmp_path_factory.mktemp("world")
        shutil.copytree(template_folder / "data", folder / "data")
        with serving(provider) as address, closing(World(folder, None, launcher, address, provider)) as world:
            yield world

    return make


@pytest.fixture(scope="session")
def postgres_world(
    launcher: Launcher, postgres: Postgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> MakeWorld:
    """Makes a world on PostgreSQL."""

    @contextmanager
    def make(provider: Provider) -> Iterator[World]:
        url = postgres.fresh_database(template_database)
        folder = tmp_path_factory.mktemp("world")
        with ExitStack() as stack:
            stack.callback(postgres.drop, url)
            address = stack.enter_context(serving(provider))
            yield stack.enter_context(closing(World(folder, url, launcher, address, provider)))

    return make


@pytest.fixture(scope="session")
def worlds(sqlite_world: MakeWorld, postgres_world: MakeWorld) -> Worlds:
    """Makes worlds, by the name of the database."""
    return {"sqlite": sqlite_world, "postgres": postgres_world}


@pytest.fixture(scope="module")
def told(request: pytest.FixtureRequest, worlds: Worlds) -> Iterator[Told]:
    """How each of the module's stories went."""
    stories: Stories = request.module.STORIES
    cases = chosen_cases(request.session, request.module)
    with told_at_once(cases, lambda case: stories.tell(case, worlds)) as futures:
        yield futures
