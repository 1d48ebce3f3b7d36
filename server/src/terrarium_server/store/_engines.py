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
_READING = ("SELECT", "PRAGMA")


def with_driver(url: str) -> str:
    """Name the driver in a plain PostgreSQL URL."""
    for scheme in ("postgresql://", "postgres://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url


def sqlite_file(url: str) -> Path:
    """Return the file that a ``sqlite:///`` address names."""
    return Path(sa.make_url(url).database or "")


@dataclass(frozen=True, slots=True)
class PostgresSessions:
    """How sessions on PostgreSQL are opened, through psycopg.

    A statement waits ``lock_timeout`` seconds for a lock, and a transaction may be idle for ``idle_timeout``
    seconds; without, for ever.
    """

    url: str
    lock_timeout: float | None = None
    idle_timeout: float | None = None

    def engine(self, *, connections: int = _POOL + _OVERFLOW) -> sa.Engine:
        """Make a pool of so many connections at most."""
        kept = min(connections, _POOL)
        limits = {
            "lock_timeout": self.lock_timeout,
            "idle_in_transaction_session_timeout": self.idle_timeout,
        }
        chosen = [
            f"-c {name}={round(seconds * 1000)}" for name, seconds in limits.items() if seconds is not None
        ]
        return sa.create_engine(
            self.url,
            pool_size=kept,
            max_overflow=connections - kept,
            connect_args={"options": " ".join(chosen)} if chosen else {},
        )


def sqlite_engine(url: str) -> sa.Engine:
    """Open a SQLite file with a write-ahead log, making its folder if missing."""
    sqlite_file(url).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, pool_size=_POOL, max_overflow=_OVERFLOW)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        # A write transaction takes the lock when it begins: two that read first and write later
        # would otherwise fail each other. FULL keeps an accepted run through a power cut.
        connection.isolation_level = "IMMEDIATE"
        connection.execute("PRAGMA busy_timeout=30000")
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    _queue_writers(engine)
    return engine


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log. Raises sqlite3.OperationalError if others keep the file locked."""
    deadline = time.monotonic() + _SWITCH_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            # Of several that open a new file at once one switches it; SQLite lets nobody wait for that.
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _queue_writers(engine: sa.Engine) -> None:
    """Let this process's writers wait for each other on a lock, in front of SQLite's own.

    SQLite's busy handler sleeps up to 100 ms between tries, so that a writer who lost the race once
    waits far longer than the other one wrote.
    """
    lock = threading.Lock()

    @event.listens_for(engine, "before_cursor_execute")
    def enter(  # pyright: ignore[reportUnusedFunction]
        connection: sa.Connection, _cursor: Any, statement: str, *_rest: Any
    ) -> None:
        if "writes" not in connection.info and not statement.lstrip()[:6].upper().startswith(_READING):
            lock.acquire()
            connection.info["writes"] = True

    @event.listens_for(engine, "checkin")
    def leave(_connection: Any, record: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        # At check-in, not at "commit", which SQLAlchemy announces before the commit is done.
        if record.info.pop("writes", False):
            lock.release()
