"""Databases of the server before the execution core, which was killed while it executed runs.

Both dumps in `recorded/` are of the server of commit 5a95e38 (schema 0002, with DBOS) with scripted engines,
killed twice. A run's prompt describes its history.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from support.databases import copy_of_built

# All packages with tables, so that all tables are declared.
from terrarium_server import accounts, assets, canvas, execution, idempotency, ledger, migrations, runs
from terrarium_server.migrations import Facts
from terrarium_server.store import Database

PACKAGES = [accounts, assets, canvas, execution, idempotency, ledger, runs]
RECORDED = Path(__file__).parent / "recorded"

# A few minutes after the server was killed, by the database's clock.
NOW_MS = 1_750_002_000_000

# The owner's models, without t2i-gone, which existed when the databases were recorded.
ENGINES = {
    "t2i-free": "free",
    "t2i-local": "free",
    "t2i-paid": "paid",
    "t2t-paid": "paid",
    "t2i-first": "first",
    "t2i-lonely": "first",
    "t2i-second": "second",
}
FALLBACK = {"t2i-first": "t2i-second", "t2i-local": "t2i-second", "t2i-lonely": "t2i-gone"}
FACTS = Facts(ENGINES, FALLBACK, repeatable=["free"])


def load(url: str) -> None:
    """Fill an empty database with a recorded one."""
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            connection.executescript((RECORDED / "0002.sqlite.sql").read_text("utf-8"))
        connection.close()
        return
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute((RECORDED / "0002.postgresql.sql").read_bytes())


def load_and_upgrade(url: str) -> None:
    load(url)
    database = opened(url)
    migrations.upgrade(database, FACTS)
    database.close()


def opened(url: str) -> Database:
    """Open a database with a fixed clock."""
    return Database(url, clock=lambda: sa.literal(NOW_MS, sa.BigInteger))


@pytest.fixture
def now_ms() -> int:
    """The time of the databases' clock."""
    return NOW_MS


@pytest.fixture
def facts() -> Facts:
    return FACTS


@pytest.fixture(params=["sqlite", "postgres"])
def recorded_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database of version 0002; the test runs once on SQLite and once on PostgreSQL."""
    with copy_of_built(request, tmp_path, "recorded", load) as url:
        yield url


@pytest.fixture
def recorded(recorded_url: str) -> Iterator[Database]:
    """An open database of version 0002."""
    database = opened(recorded_url)
    yield database
    database.close()


@pytest.fixture(params=["sqlite", "postgres"])
def upgraded_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of such a database, upgraded with `facts`."""
    with copy_of_built(request, tmp_path, "upgraded", load_and_upgrade) as url:
        yield url


@pytest.fixture
def upgraded(upgraded_url: str) -> Iterator[Database]:
    """An open database that was upgraded."""
    database = opened(upgraded_url)
    yield database
    database.close()
