"""A worker's lease: until when other workers, and the worker itself, may take it for alive."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from terrarium_server import runs
from terrarium_server.store import Database, Transaction

from ._tables import workers


def clock_seconds() -> float:
    """Return the time of a clock that also counts while the machine sleeps, where the system has one."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(frozen=True, slots=True)
class Renewal:
    """What a renewal returned: the runs of this worker in the database, each with its claim's number, and
    whether the schema is still the one that this version knows."""

    held: dict[str, int]
    is_current: bool


class Lease:
    """One row, timed by the database's clock.

    With ``single_process`` (SQLite, under the file's lock) the lease never expires: after a laptop slept, no
    other worker could take over.
    """

    def __init__(
        self,
        database: Database,
        worker_id: str,
        *,
        machine: str,
        engines: str,
        seconds: float,
        single_process: bool,
        is_current: Callable[[Transaction], bool],
        clock: Callable[[], float] = clock_seconds,
    ) -> None:
        """Create the lease; the first `renew` inserts the row. ``is_current`` checks the schema's version."""
        self._database = database
        self._worker_id = worker_id
        self._row = {"worker_id": worker_id, "machine": machine, "engines": engines}
        self._milliseconds = round(seconds * 1000)
        self._single_process = single_process
        self._is_current = is_current
        self._clock = clock
        self._held_until = float("-inf")
        self._takes_over_from = float("inf")
        self.seconds = seconds

    @property
    def is_held(self) -> bool:
        """Whether no other worker can have taken over; if not, claim, submit and settle nothing."""
        return self._clock() < self._held_until

    @property
    def may_take_over(self) -> bool:
        """Whether others have had the time to renew since this worker last failed to renew in time."""
        return self.is_held and self._clock() >= self._takes_over_from

    def renew(self) -> Renewal:
        """Renew the lease, or insert its row. Raises what the database raises."""
        # Read before the query: the database extends the lease by at least this much.
        asked = self._clock()
        with self._database.renewal() as tx:
            if not self._single_process:
                self._write(tx)
            elif self._held_until == float("-inf"):
                # This process holds the file's lock, so every other worker is dead.
                tx.execute(sa.delete(workers))
                self._write(tx)
            renewal = Renewal(runs.held_by(tx, self._worker_id), self._is_current(tx))
        if self._single_process:
            self._held_until, self._takes_over_from = float("inf"), asked
        else:
            if asked >= self._held_until:
                self._takes_over_from = asked + self.seconds
            self._held_until = asked + self.seconds
        return renewal

    def release(self) -> None:
        """Delete the lease: the runs that still name this worker may be taken over at once."""
        self._held_until = float("-inf")
        with self._database.renewal() as tx:
            tx.execute(sa.delete(workers).where(workers.c.worker_id == self._worker_id))

    def abandoned(self, tx: Transaction) -> sa.ColumnElement[bool]:
        """Return the condition that a run has no live worker, as far as this worker may judge."""
        unowned = runs.runs.c.worker_id.is_(None)
        if not self.may_take_over:
            return unowned
        others = runs.runs.c.worker_id != self._worker_id
        if self._single_process:
            return sa.or_(unowned, others)
        return sa.or_(unowned, sa.and_(others, ~is_alive(tx, runs.runs.c.worker_id)))

    def served_engines(self, tx: Transaction) -> set[str]:
        """Return the names of the engines that this worker and the other live workers have.

        This worker's are added because its row may look expired: with ``single_process`` it is written once.
        """
        alive = sa.select(workers.c.engines).where(workers.c.lease_until > tx.clock)
        rows = [row[0] for row in tx.execute(alive)]
        return {name for engines in (self._row["engines"], *rows) for name in engines.split()}

    def _write(self, tx: Transaction) -> None:
        until = tx.clock + self._milliseconds
        mine = workers.c.worker_id == self._worker_id
        if tx.execute(sa.update(workers).where(mine).values(lease_until=until)).rowcount == 0:
            tx.execute(sa.insert(workers).values(**self._row, started_at=tx.now_ms, lease_until=until))


def is_alive(tx: Transaction, worker_id: sa.ColumnElement[str | None]) -> sa.ColumnElement[bool]:
    """Return the condition that the worker with this id has an unexpired lease."""
    return sa.exists().where(workers.c.worker_id == worker_id, workers.c.lease_until > tx.clock)


def forget_dead(tx: Transaction, *, worker_id: str) -> None:
    """Delete the rows of workers that have been dead for an hour; their runs keep the worker's id."""
    old = workers.c.lease_until < tx.clock - 60 * 60 * 1000
    tx.execute(sa.delete(workers).where(old, workers.c.worker_id != worker_id))
