"""One database, SQLite or PostgreSQL, and the transactions that everything happens in.

The rooms are synchronous and take a `Transaction`; only `Database` begins and commits. From asyncio,
`await database.write(work)` runs ``work(tx)`` on a database thread; on SQLite, callers who wait at the same
time share a commit.
"""

import asyncio
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from ._engines import postgres_engine, sqlite_engine, with_driver
from ._group_commit import GroupCommitter
from ._transaction import Transaction

T = TypeVar("T")

# More would not write faster, they would wait for the interpreter: at 16 connections 4 admit a quarter
# more than 8.
_THREADS = 4


class Database:
    """The engine, its threads, and the only place that commits."""

    def __init__(
        self, url: str, *, clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    ) -> None:
        """Open ``url`` (``sqlite:///path`` or ``postgresql://…``); the schema is the migrations' business."""
        self.url = with_driver(url)
        self.is_sqlite = self.url.startswith("sqlite")
        self._clock_ms = clock_ms
        self.engine = sqlite_engine(self.url) if self.is_sqlite else postgres_engine(self.url)
        self._threads = ThreadPoolExecutor(_THREADS, "terrarium-database")
        self._committer = GroupCommitter(self.engine, clock_ms) if self.is_sqlite else None

    @contextmanager
    def transaction(self) -> Generator[Transaction]:
        """Begin; commit at the end of the block, roll back if it raises."""
        with self.engine.begin() as connection:
            tx = Transaction(connection, self._clock_ms())
            yield tx
        for action in tx.after:
            action()

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` in a transaction on a database thread; what it raises is raised here."""
        if self._committer is not None:
            return await self._committer.write(work)
        return await self.read(work)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work``, which should only read, in a transaction on a database thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, work)

    def _run(self, work: Callable[[Transaction], T]) -> T:
        with self.transaction() as tx:
            return work(tx)

    def close(self) -> None:
        """Wait for what is under way and close every connection."""
        if self._committer is not None:
            self._committer.close()
        self._threads.shutdown()
        self.engine.dispose()
