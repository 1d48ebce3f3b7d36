"""One database, SQLite or PostgreSQL, and its transactions.

The packages are synchronous and take a `Transaction`; only `Database` begins and commits. From asyncio,
`await database.write(work)` runs ``work(tx)`` on a database thread; on SQLite, callers who wait at the same
time share a commit.
"""

import asyncio
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ._engines import PostgresSessions, sqlite_engine, with_driver
from ._group_commit import GroupCommitter
from ._notifications import Notifications
from ._transaction import Transaction

T = TypeVar("T")

# More threads would only compete for the interpreter: with 16 clients, 4 threads admit a quarter more runs
# than 8.
_THREADS = 4

# The database does not answer, or is busy or full; the same work may succeed later.
UNAVAILABLE = (OperationalError, InterfaceError, PoolTimeout)

_SQLITE_CLOCK = sa.cast((sa.func.julianday("now") - 2440587.5) * 86_400_000.0, sa.BigInteger)
_POSTGRES_CLOCK = sa.cast(sa.extract("epoch", sa.func.clock_timestamp()) * 1000, sa.BigInteger)


class Database:
    """The pools of connections, their threads, and the only place that commits."""

    def __init__(
        self,
        url: str,
        *,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        clock: Callable[[], sa.ColumnElement[int]] | None = None,
        lock_timeout: float | None = None,
        idle_timeout: float | None = None,
    ) -> None:
        """Open ``url`` (``sqlite:///path`` or ``postgresql://…``); `migrations` creates the schema.

        ``clock_ms`` is this process's clock, ``clock`` returns the SQL expression of the database's own, both
        in UTC milliseconds. A worker waits for a lock at most ``lock_timeout`` seconds. PostgreSQL ends a
        transaction whose process has been suspended for ``idle_timeout`` seconds, because others wait for it.
        """
        self.url = with_driver(url)
        self.is_sqlite = self.url.startswith("sqlite")
        self._clock_ms = clock_ms
        self._clock = clock or (lambda: _SQLITE_CLOCK if self.is_sqlite else _POSTGRES_CLOCK)
        if self.is_sqlite:
            # A file has one writer, so that all can share one pool.
            self.engine = self._reads = self._work = self._renewals = sqlite_engine(self.url)
        else:
            requests = PostgresSessions(self.url, idle_timeout=idle_timeout)
            workers = replace(requests, lock_timeout=lock_timeout)
            self.engine, self._reads = requests.engine(), requests.engine()
            self._work, self._renewals = workers.engine(), workers.engine(connections=1)
        self._threads = {
            id(engine): ThreadPoolExecutor(_THREADS, "terrarium-database")
            for engine in (self.engine, self._reads, self._work)
        }
        self.notifications = Notifications(None if self.is_sqlite else self.url)
        self._committer = (
            GroupCommitter(self.engine, self._begun, self.notifications.publish) if self.is_sqlite else None
        )

    @contextmanager
    def transaction(self) -> Generator[Transaction]:
        """Begin; commit at the end of the block, roll back if it raises."""
        with self._transaction_on(self.engine) as tx:
            yield tx

    @contextmanager
    def renewal(self) -> Generator[Transaction]:
        """Begin on the one connection that is reserved for renewing leases; for one thread at a time."""
        with self._transaction_on(self._renewals) as tx:
            yield tx

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` in a transaction on a database thread. Raises what it raises."""
        if self._committer is not None:
            return await self._committer.write(work)
        return await self._run(self.engine, work)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work``, which should only read, in a transaction on a database thread."""
        return await self._run(self._reads, work)

    async def write_for_worker(self, work: Callable[[Transaction], T]) -> T:
        """Like `write`, on connections that requests cannot exhaust."""
        if self._committer is not None:
            return await self._committer.write(work)
        return await self._run(self._work, work)

    def close(self) -> None:
        """Wait for pending work and close every connection."""
        if self._committer is not None:
            self._committer.close()
        for threads in self._threads.values():
            threads.shutdown()
        # After the pending work, which may publish.
        self.notifications.close()
        for engine in (self.engine, self._reads, self._work, self._renewals):
            engine.dispose()

    async def _run(self, engine: sa.Engine, work: Callable[[Transaction], T]) -> T:
        def run() -> T:
            is_done = False
            try:
                with self._transaction_on(engine) as tx:
                    result = work(tx)
                    is_done = True
                return result
            except OperationalError as error:
                # A pooled connection from before a restart of the database; nothing was committed on it.
                if is_done or not error.connection_invalidated:
                    raise
            with self._transaction_on(engine) as tx:
                return work(tx)

        return await asyncio.get_running_loop().run_in_executor(self._threads[id(engine)], run)

    @contextmanager
    def _transaction_on(self, engine: sa.Engine) -> Generator[Transaction]:
        with engine.begin() as connection:
            tx = self._begun(connection)
            yield tx
        try:
            for action in tx.after:
                action()
        finally:
            self.notifications.publish(tx.published)

    def _begun(self, connection: sa.Connection) -> Transaction:
        return Transaction(connection, self._clock_ms(), self._clock)
