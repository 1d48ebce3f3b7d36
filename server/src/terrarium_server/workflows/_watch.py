"""Workers watch each other: heartbeats, and a survivor that takes over what a dead one carried."""

import logging
import threading
import time
from collections.abc import Callable, Sequence

import sqlalchemy as sa
from dbos import DBOS

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
        with self._bench.database.transaction() as tx:
            self._beat(tx)
            tx.execute(sa.delete(workers).where(workers.c.heartbeat_at < tx.now_ms - self._timeout_ms))
            orphaned = runs.orphans(tx, tx.execute(sa.select(workers.c.worker_id)).scalars().all())
        for run in orphaned:
            self._take_over(run)
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

    def _take_over(self, run: Run) -> None:
        # Taking the run's name first makes this worker the only one to recover it, and if this
        # worker dies before it did, the run is an orphan again.
        with self._bench.database.transaction() as tx:
            if not runs.take_over(tx, run.run_id, run.worker_id, self._bench.worker_id):
                return
        status = DBOS.get_workflow_status(run.run_id)
        if status is None:
            with self._bench.database.transaction() as tx:
                runs.requeue(tx, run.run_id, self._bench.worker_id)
            self._ring()
        elif status.status == "PENDING":
            DBOS.resume_workflow(run.run_id)
        elif status.status not in ("ENQUEUED", "DELAYED"):
            message = "The server could not carry this run out; try once more."
            fail_run(self._bench, run, RunOutcome("SERVER_ERROR", message))
        _log.warning("took over run %s of worker %s", run.run_id, run.worker_id)
