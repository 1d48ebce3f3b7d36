"""Workers watch each other: heartbeats, and a survivor that takes over what a dead one carried.

A worker also watches itself. Whatever goes wrong between its name on a run and a thread that carries it (the
database failed in the middle, or the one it had resumed the run for died before saying so), the run must not
wait for this worker's death.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence

import sqlalchemy as sa
from dbos import DBOS, WorkflowStatus

from terrarium_server import runs
from terrarium_server.runs import Run, RunOutcome
from terrarium_server.store import Transaction

from ._bench import Bench
from ._generation import fail_run
from ._tables import workers

_log = logging.getLogger(__name__)

_CHORES_EVERY = 60.0


class Watch:
    """Beats for this worker, and takes over the runs of workers that no longer beat."""

    def __init__(
        self,
        bench: Bench,
        *,
        timeout: float,
        ring: Callable[[], None],
        chores: Sequence[Callable[[Transaction], None]] = (),
    ) -> None:
        """A worker is dead after ``timeout`` seconds without a beat; ``chores`` run each minute."""
        self._bench = bench
        self._timeout_ms = int(timeout * 1000)
        self._ring = ring
        self._chores = chores
        self._chores_done = time.monotonic()
        self._seen_dropped: set[str] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=self._watch_forever, args=(timeout / 5,), name="terrarium-watch", daemon=True
        )

    def start(self, *, alone: bool) -> None:
        """Enter this worker. ``alone``: no other worker can be alive, so all others are dead."""
        with self._bench.database.transaction() as tx:
            if alone:
                tx.execute(sa.delete(workers))
            self._beat(tx)
        self._thread.start()

    def stop(self) -> None:
        """Leave: what this worker still carries may be taken over at once."""
        self._stopping.set()
        self._thread.join(timeout=5)
        with self._bench.database.transaction() as tx:
            tx.execute(sa.delete(workers).where(workers.c.worker_id == self._bench.worker_id))

    def _watch_forever(self, every: float) -> None:
        while True:
            try:
                self._once()
            except Exception:
                _log.exception("watching the workers failed; trying again")
            if self._stopping.wait(every):
                return

    def _once(self) -> None:
        me = self._bench.worker_id
        with self._bench.database.transaction() as tx:
            self._beat(tx)
            tx.execute(sa.delete(workers).where(workers.c.heartbeat_at < tx.now_ms - self._timeout_ms))
            live = set(tx.execute(sa.select(workers.c.worker_id)).scalars())
            not_others = runs.orphans(tx, sorted(live - {me}))
        mine = {run.run_id for run in not_others if run.worker_id == me}
        # Seen twice, because a run is on its way to its thread for a moment.
        dropped = mine - self._bench.carried
        again, self._seen_dropped = dropped & self._seen_dropped, dropped
        for run in not_others:
            if run.worker_id != me or run.run_id in again:
                self._take_over(run, live - {me})
        if time.monotonic() - self._chores_done > _CHORES_EVERY:
            self._chores_done = time.monotonic()
            for chore in self._chores:
                with self._bench.database.transaction() as tx:
                    chore(tx)

    def _beat(self, tx: Transaction) -> None:
        mine = workers.c.worker_id == self._bench.worker_id
        beaten = tx.execute(sa.update(workers).where(mine).values(heartbeat_at=tx.now_ms))
        if beaten.rowcount == 0:
            row = {"worker_id": self._bench.worker_id, "started_at": tx.now_ms, "heartbeat_at": tx.now_ms}
            tx.execute(sa.insert(workers), row)

    def _take_over(self, run: Run, others: set[str]) -> None:
        me = self._bench.worker_id
        status = DBOS.get_workflow_status(run.run_id)
        if status is not None and _is_on_its_way(status, me, others):
            return
        # Writing our name first makes this worker the only one to recover the run; if it dies before
        # it did, the run is an orphan again.
        with self._bench.database.transaction() as tx:
            if not runs.take_over(tx, run.run_id, run.worker_id, me):
                return
        if status is None:
            with self._bench.database.transaction() as tx:
                runs.requeue(tx, run.run_id, me)
            self._ring()
        elif status.status == "PENDING":
            DBOS.resume_workflow(run.run_id)
        else:
            message = "The server could not carry this run out; try once more."
            fail_run(self._bench, run, RunOutcome("SERVER_ERROR", message))
        _log.warning("took over run %s of worker %s", run.run_id, run.worker_id)


def _is_on_its_way(status: WorkflowStatus, me: str, others: set[str]) -> bool:
    """Whether a live worker has this run or will soon have it: it was resumed, or is about to start.

    What DBOS has handed to this very process counts, however long its thread takes to begin: resuming it
    once more would pay a provider twice.
    """
    if status.status == "PENDING":
        return status.executor_id == me or status.executor_id in others
    return status.status in ("ENQUEUED", "DELAYED")
