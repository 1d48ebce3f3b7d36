"""Fixtures: the databases that Terrarium runs on. Loaded for every test by the `conftest.py` at the root."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.postgres import Postgres, running_postgres
from terrarium_server import migrations
from terrarium_server.store import Database


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL cluster for the whole session."""
    with running_postgres() as cluster:
        yield cluster


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of an SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'terrarium.sqlite'}"


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    url = postgres.fresh_database()
    yield url
    postgres.drop(url)


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database; the test runs once on SQLite and once on PostgreSQL."""
    return request.getfixturevalue(f"{request.param}_url")


def _migrate(url: str) -> None:
    database = Database(url)
    migrations.upgrade(database, migrations.Facts({}, {}))
    database.close()


@pytest.fixture(scope="session")
def sqlite_templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the SQLite files that `copy_of_built` copies."""
    return tmp_path_factory.mktemp("templates")


@contextmanager
def copy_of_built(
    request: pytest.FixtureRequest, tmp_path: Path, key: str, build: Callable[[str], None]
) -> Iterator[str]:
    """Yield the URL of a copy of the database that ``build(url)`` makes.

    The fixture's parameter names the kind of database. ``build`` runs once per session, ``key`` and kind.
    """
    if request.param == "sqlite":
        template = request.getfixturevalue("sqlite_templates") / f"{key}.sqlite"
        if not template.exists():
            build(f"sqlite:///{template}")
        copy = tmp_path / f"{key}.sqlite"
        shutil.copy(template, copy)
        yield f"sqlite:///{copy}"
        return
    cluster: Postgres = request.getfixturevalue("postgres")
    url = cluster.copy_of(key, build)
    yield url
    cluster.drop(url)


@pytest.fixture(params=["sqlite", "postgres"])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with all tables; the test runs once on SQLite and once on PostgreSQL."""
    with copy_of_built(request, tmp_path, "migrated", _migrate) as url:
        yield url


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    """An open database with all tables; the test runs once on SQLite and once on PostgreSQL."""
    opened = Database(migrated_url)
    yield opened
    opened.close()
