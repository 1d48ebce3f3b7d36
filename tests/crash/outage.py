"""Databases that are away for a while."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg

from crash.world import World
from terrarium_server.store import sqlite_file

# PostgreSQL ends all connections and takes no new ones; another process has locked the SQLite file; the disk
# of the SQLite file neither reads nor writes.
OUTAGES = ["postgres: refused", "sqlite: locked", "sqlite: broken"]


@contextmanager
def away(world: World, kind: str) -> Iterator[None]:
    """Take the database away from everybody until the end of the block."""
    if kind == "refused":
        with _refused(world):
            yield
    elif kind == "locked":
        with closing(sqlite3.connect(sqlite_file(world.database.url), isolation_level=None)) as connection:
            connection.execute("PRAGMA busy_timeout=30000")
            connection.execute("BEGIN EXCLUSIVE")
            yield
            connection.execute("ROLLBACK")
    else:
        world.broken.touch()
        try:
            yield
        finally:
            world.broken.unlink()


@contextmanager
def _refused(world: World) -> Iterator[None]:
    assert world.database_url is not None
    address, _, name = world.database_url.rpartition("/")
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
    with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        # Once more for those that were just let in.
        while connection.execute(end, [name]).fetchall():
            pass
        # What the test itself has open is gone as well.
        world.database.engine.dispose()
        try:
            yield
        finally:
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())
