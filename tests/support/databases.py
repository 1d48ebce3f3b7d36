"""Fixtures: the databases that Terrarium runs on. Loaded for every test by the `conftest.py` at the root."""

import shutil
from collections.abc import Iterator
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
    migrations.upgrade(database)
    database.close()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with all tables, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "terrarium.sqlite"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgres"])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with all tables; the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        copy = tmp_path / "migrated.sqlite"
        shutil.copy(request.getfixturevalue("migrated_file"), copy)
        yield f"sqlite:///{copy}"
        return
    cluster: Postgres = request.getfixturevalue("postgres")
    url = cluster.copy_of("migrated", _migrate)
    yield url
    cluster.drop(url)


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    """An open database with all tables; the test runs once on SQLite and once on PostgreSQL."""
    opened = Database(migrated_url)
    yield opened
    opened.close()
