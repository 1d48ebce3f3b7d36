"""Opening SQLite and PostgreSQL with SQLAlchemy."""

import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

_POOL = 20
_OVERFLOW = 20
_SWITCH_SECONDS = 30.0
_READS = ("SELECT", "PRAGMA")


def with_driver(url: str) -> str:
    """Return the URL with the driver's name, if it is a plain PostgreSQL URL."""
    for scheme in ("postgresql://", "postgres://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url


def sqlite_file(url: str) -> Path:
    """Return the path in a ``sqlite:///`` URL."""
    return Path(sa.make_url(url).database or "")


@dataclass(frozen=True, slots=True)
class PostgresSessions:
    """How sessions on PostgreSQL are opened, through psycopg.

    A statement waits for a lock at most ``lock_timeout`` seconds, and a transaction may be idle for at most
    ``idle_timeout`` seconds; None means without limit.
    """

    url: str
    lock_timeout: float | None = None
    idle_timeout: float | None = None

    def engine(self, *, connections: int = _POOL + _OVERFLOW) -> sa.Engine:
        """Create a pool of at most so many connections."""
        pool_size = min(connections, _POOL)
        limits = {
            "lock_timeout": self.lock_timeout,
            "idle_in_transaction_session_timeout": self.idle_timeout,
        }
        options = [
            f"-c {name}={round(seconds * 1000)}" for name, seconds in limits.items() if seconds is not None
        ]
        return sa.create_engine(
            self.url,
            pool_size=pool_size,
            max_overflow=connections - pool_size,
            connect_args={"options": " ".join(options)} if options else {},
        )


def sqlite_engine(url: str) -> sa.Engine:
    """Open a SQLite file with a write-ahead log; its folder is created if missing."""
    sqlite_file(url).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, pool_size=_POOL, max_overflow=_OVERFLOW)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        # A write transaction takes the lock when it begins: of two that read first and write later, one
        # would fail. FULL makes a commit survive a power cut.
        connection.isolation_level = "IMMEDIATE"
        connection.execute("PRAGMA busy_timeout=30000")
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    _queue_writers(engine)
    return engine


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log. Raises sqlite3.OperationalError if the file stays locked."""
    deadline = time.monotonic() + _SWITCH_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            # Another process is switching a new file; SQLite's busy timeout does not cover this statement.
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _queue_writers(engine: sa.Engine) -> None:
    """Let this process's writers wait for each other on a lock of our own before they wait for SQLite's.

    SQLite's busy handler sleeps up to 100 ms between tries, so a writer may wait much longer than the other
    one writes.
    """
    lock = threading.Lock()

    @event.listens_for(engine, "before_cursor_execute")
    def enter(  # pyright: ignore[reportUnusedFunction]
        connection: sa.Connection, _cursor: Any, statement: str, *_rest: Any
    ) -> None:
        if "writes" not in connection.info and not statement.lstrip()[:6].upper().startswith(_READS):
            lock.acquire()
            connection.info["writes"] = True

    @event.listens_for(engine, "checkin")
    def leave(_connection: Any, record: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        # At check-in, because SQLAlchemy sends its "commit" event before the commit is done.
        if record.info.pop("writes", False):
            lock.release()
