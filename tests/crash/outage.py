"""Makes databases unavailable for a while."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg

from crash.deployment import Deployment
from terrarium_server.store import sqlite_file

# PostgreSQL closes all connections and accepts no new ones; another process has locked the SQLite file; the
# disk of the SQLite file can be neither read nor written.
OUTAGES = ["postgres: refused", "sqlite: locked", "sqlite: broken"]


@contextmanager
def away(deployment: Deployment, kind: str) -> Iterator[None]:
    """Make the database unavailable for all processes until the end of the block."""
    if kind == "refused":
        with _refused(deployment):
            yield
    elif kind == "locked":
        with closing(
            sqlite3.connect(sqlite_file(deployment.database.url), isolation_level=None)
        ) as connection:
            connection.execute("PRAGMA busy_timeout=30000")
            connection.execute("BEGIN EXCLUSIVE")
            yield
            connection.execute("ROLLBACK")
    else:
        deployment.broken.touch()
        try:
            yield
        finally:
            deployment.broken.unlink()


@contextmanager
def _refused(deployment: Deployment) -> Iterator[None]:
    assert deployment.database_url is not None
    address, _, name = deployment.database_url.rpartition("/")
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
    with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        # Repeated for connections that were just being opened.
        while connection.execute(end, [name]).fetchall():
            pass
        # The test's own pooled connections are closed as well.
        deployment.database.engine.dispose()
        try:
            yield
        finally:
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())
