"""A worker's lease: how long others take it for alive, and how long it may do so itself."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from terrarium_server import runs
from terrarium_server.store import Database, Transaction

from ._tables import workers


def clock_seconds() -> float:
    """A clock that goes on while the machine sleeps, where there is one."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(frozen=True, slots=True)
class Renewal:
    """What a worker learned when it renewed: the runs that bear its name, each with its claim's number."""

    held: dict[str, int]
    is_current: bool


class Lease:
    """One row, by the database's clock.

    A worker that is ``alone`` (SQLite, under the file's lock) has it as long as it lives: laptops sleep.
    """

    def __init__(
        self,
        database: Database,
        worker_id: str,
        *,
        machine: str,
        engines: str,
        seconds: float,
        alone: bool,
        is_current: Callable[[Transaction], bool],
        clock: Callable[[], float] = clock_seconds,
    ) -> None:
        """Prepare; the first `renew` enters the row. ``is_current`` says whether we know the schema."""
        self._database = database
        self._worker_id = worker_id
        self._row = {"worker_id": worker_id, "machine": machine, "engines": engines}
        self._milliseconds = round(seconds * 1000)
        self._alone = alone
        self._is_current = is_current
        self._clock = clock
        self._held_until = float("-inf")
        self._takes_over_from = float("inf")
        self.seconds = seconds

    @property
    def is_held(self) -> bool:
        """Whether nobody can have taken over yet. Otherwise nothing may be claimed, submitted or settled."""
        return self._clock() < self._held_until

    @property
    def may_take_over(self) -> bool:
        """Whether others had the time to renew since this worker last could not do so itself."""
        return self.is_held and self._clock() >= self._takes_over_from

    def renew(self) -> Renewal:
        """Renew, or enter the row; nobody else's renewal is looked at. Raises what the database raises."""
        asked = self._clock()
        with self._database.renewal() as tx:
            if not self._alone:
                self._write(tx)
            elif self._held_until == float("-inf"):
                # Under the file's lock: whoever else is there is dead.
                tx.execute(sa.delete(workers))
                self._write(tx)
            renewal = Renewal(runs.held_by(tx, self._worker_id), self._is_current(tx))
        # From before the question: the database gave at least this much.
        if self._alone:
            self._held_until, self._takes_over_from = float("inf"), asked
        else:
            if asked >= self._held_until:
                self._takes_over_from = asked + self.seconds
            self._held_until = asked + self.seconds
        return renewal

    def leave(self) -> None:
        """Give the lease up: what still bears this worker's name may be taken over at once."""
        self._held_until = float("-inf")
        with self._database.renewal() as tx:
            tx.execute(sa.delete(workers).where(workers.c.worker_id == self._worker_id))

    def abandoned(self, tx: Transaction) -> sa.ColumnElement[bool]:
        """Say of rows of runs that nobody has them, as far as this worker may judge."""
        nobody = runs.runs.c.worker_id.is_(None)
        if not self.may_take_over:
            return nobody
        others = runs.runs.c.worker_id != self._worker_id
        if self._alone:
            return sa.or_(nobody, others)
        return sa.or_(nobody, sa.and_(others, ~lives(tx, runs.runs.c.worker_id)))

    def _write(self, tx: Transaction) -> None:
        until = tx.clock + self._milliseconds
        mine = workers.c.worker_id == self._worker_id
        if tx.execute(sa.update(workers).where(mine).values(lease_until=until)).rowcount == 0:
            tx.execute(sa.insert(workers).values(**self._row, started_at=tx.now_ms, lease_until=until))


def lives(tx: Transaction, worker_id: sa.ColumnElement[str | None]) -> sa.ColumnElement[bool]:
    """Say whether a worker of this name has an unexpired lease."""
    return sa.exists().where(workers.c.worker_id == worker_id, workers.c.lease_until > tx.clock)


def live_engines(tx: Transaction) -> set[str]:
    """Return the names of the engines that the living workers have."""
    living = sa.select(workers.c.engines).where(workers.c.lease_until > tx.clock)
    return {name for row in tx.execute(living) for name in row[0].split()}


def forget_dead(tx: Transaction, *, worker_id: str) -> None:
    """Delete the rows of workers that have been dead for a while; their runs name them still."""
    old = workers.c.lease_until < tx.clock - 60 * 60 * 1000
    tx.execute(sa.delete(workers).where(old, workers.c.worker_id != worker_id))
