"""One database, SQLite or PostgreSQL, and the transactions that everything happens in.

The rooms are synchronous and take a `Transaction`; only `Database` begins and commits. From asyncio,
`await database.write(work)` runs ``work(tx)`` on a database thread. SQLite has one writer thread,
because it has one write lock and waiting for it in Python is fairer than its busy handler.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event

T = TypeVar("T")
metadata = sa.MetaData()

_POOL = 20
_OVERFLOW = 20
_POSTGRES_THREADS = 8
_SQLITE_READERS = 4
_READING = ("SELECT", "PRAGMA")


class Transaction:
    """An open transaction and the moment it began (`now_ms`, UTC milliseconds)."""

    __slots__ = ("_after_commit", "_connection", "now_ms")

    def __init__(self, connection: sa.Connection, now_ms: int) -> None:
        self._connection = connection
        self.now_ms = now_ms
        self._after_commit: list[Callable[[], None]] = []

    def execute(
        self,
        statement: sa.Executable,
        parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    ) -> sa.CursorResult[Any]:
        """Run one statement; with a sequence of parameters, once for each."""
        return self._connection.execute(statement, parameters)  # type: ignore[return-value]

    def after_commit(self, action: Callable[[], None]) -> None:
        """Call ``action`` once this transaction has committed, and never if it does not."""
        self._after_commit.append(action)

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._connection.dialect.name


class Database:
    """The engine, its threads, and the only place that commits."""

    def __init__(
        self, url: str, *, clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    ) -> None:
        """Open ``url`` (``sqlite:///path`` or ``postgresql://…``); the schema is the migrations' business."""
        self.url = _with_driver(url)
        self.is_sqlite = self.url.startswith("sqlite")
        self._clock_ms = clock_ms
        self.engine = _sqlite_engine(self.url) if self.is_sqlite else _postgres_engine(self.url)
        writers = 1 if self.is_sqlite else _POSTGRES_THREADS
        self._writers = ThreadPoolExecutor(writers, "terrarium-write")
        self._readers = (
            ThreadPoolExecutor(_SQLITE_READERS, "terrarium-read") if self.is_sqlite else self._writers
        )

    @contextmanager
    def transaction(self) -> Generator[Transaction]:
        """Begin; commit at the end of the block, roll back if it raises."""
        with self.engine.begin() as connection:
            tx = Transaction(connection, self._clock_ms())
            yield tx
        for action in tx._after_commit:  # pyright: ignore[reportPrivateUsage]
            action()

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` in a transaction on a writer thread; what it raises is raised here."""
        return await asyncio.get_running_loop().run_in_executor(self._writers, self._run, work)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work``, which must only read, in a transaction on a reader thread."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._run, work)

    def _run(self, work: Callable[[Transaction], T]) -> T:
        with self.transaction() as tx:
            return work(tx)

    def close(self) -> None:
        """Wait for what is under way and close every connection."""
        self._writers.shutdown()
        self._readers.shutdown()
        self.engine.dispose()


def _with_driver(url: str) -> str:
    for scheme in ("postgresql://", "postgres://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url


def _postgres_engine(url: str) -> sa.Engine:
    return sa.create_engine(url, pool_size=_POOL, max_overflow=_OVERFLOW, pool_pre_ping=False)


def _sqlite_engine(url: str) -> sa.Engine:
    path = sa.make_url(url).database
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, pool_size=_POOL, max_overflow=_OVERFLOW)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        # A write transaction takes the lock when it begins: two that read first and write later
        # would otherwise fail each other. FULL keeps an accepted run through a power cut.
        connection.isolation_level = "IMMEDIATE"
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA busy_timeout=30000")
        connection.execute("PRAGMA foreign_keys=ON")

    _queue_writers(engine)
    return engine


def _queue_writers(engine: sa.Engine) -> None:
    """Let this process's writers wait for each other on a lock, in front of SQLite's own.

    SQLite's busy handler sleeps up to 100 ms between tries, so that a writer who lost the race once
    waits far longer than the other one wrote. DBOS writes through the same engine and queues here too.
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
