"""Claims pending runs and carries each on a thread of its own."""

import logging
import queue
import threading
import time
from collections import Counter

from terrarium_server import runs
from terrarium_server.runs import Run, RunOutcome

from ._bench import Bench
from ._generation import carry, fail_run

_log = logging.getLogger(__name__)

# How long a run admitted by another process may wait unseen; one of this process rings the bell.
_POLL_SECONDS = 0.5


class Dispatcher:
    """One thread that claims, and up to ``threads`` that carry. Daemons: a kill is a crash we survive."""

    def __init__(self, bench: Bench, *, threads: int) -> None:
        """Prepare; `start` begins claiming."""
        self._bench = bench
        self._threads = threads
        self._free = threads
        self._lock = threading.Lock()
        self._bell = threading.Event()
        self._stopping = False
        self._tasks: queue.SimpleQueue[Run] = queue.SimpleQueue()
        self._idle = 0
        self._at_work: Counter[str] = Counter()
        self._claimer = threading.Thread(target=self._claim_forever, name="terrarium-claim", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._claimer.start()

    def ring(self) -> None:
        """Look for pending runs now."""
        self._bell.set()

    def stop(self, *, grace_seconds: float) -> None:
        """Claim nothing more, and give runs under way ``grace_seconds`` to end."""
        self._stopping = True
        self._bell.set()
        self._claimer.join(timeout=5)
        deadline = time.monotonic() + grace_seconds
        while self._free < self._threads and time.monotonic() < deadline:
            time.sleep(0.02)

    def _claim_forever(self) -> None:
        while not self._stopping:
            try:
                more = self._claim()
            except Exception:
                _log.exception("claiming runs failed; trying again")
                more = False
            if not more:
                self._bell.wait(_POLL_SECONDS)
                self._bell.clear()

    def _claim(self) -> bool:
        """Claim what there are threads for; return whether there may be more at once."""
        with self._lock:
            free = self._free
        if free == 0:
            return False
        with self._bench.database.transaction() as tx:
            found = runs.claim(tx, self._bench.worker_id, free, but_not=self._full_models())
            claimed, too_many = self._fitting(found)
            for run in too_many:
                runs.requeue(tx, run.run_id, self._bench.worker_id)
        self._bench.carried.update(run.run_id for run in claimed)
        for run in claimed:
            self._bench.signals.changed(run.run_id)
            self._hand_over(run)
        return len(found) == free

    def _full_models(self) -> list[str]:
        """Return the models whose engines have no room for one more run."""
        limits = self._bench.engines.limits
        with self._lock:
            full = {name for name, limit in limits.items() if self._at_work[name] >= limit}
        return [card.id for card in self._bench.catalog.cards() if card.engine in full] if full else []

    def _fitting(self, found: list[Run]) -> tuple[list[Run], list[Run]]:
        """Split claimed runs into those their engines have room for, and the others."""
        limits = self._bench.engines.limits
        fitting: list[Run] = []
        too_many: list[Run] = []
        with self._lock:
            at_work = self._at_work.copy()
        for run in found:
            engine = self._engine_of(run)
            has_room = engine not in limits or at_work[engine] < limits[engine]
            (fitting if has_room else too_many).append(run)
            at_work[engine] += 1
        return fitting, too_many

    def _engine_of(self, run: Run) -> str:
        card = self._bench.catalog.get(run.model_id)
        return card.engine if card is not None else ""

    def _hand_over(self, run: Run) -> None:
        with self._lock:
            self._at_work[self._engine_of(run)] += 1
            self._free -= 1
            self._idle -= 1
            start = self._idle < 0
            if start:
                self._idle += 1
        self._tasks.put(run)
        if start:
            threading.Thread(target=self._carry_forever, name="terrarium-run", daemon=True).start()

    def _carry_forever(self) -> None:
        while True:
            run = self._tasks.get()
            try:
                carry(self._bench, run)
            except Exception:
                _log.exception("run %s was interrupted", run.run_id)
                self._give_up(run)
            self._bench.carried.discard(run.run_id)
            engine = self._engine_of(run)
            with self._lock:
                self._free += 1
                self._idle += 1
                was_full = self._free == 1 or self._at_work[engine] == self._bench.engines.limits.get(engine)
                self._at_work[engine] -= 1
            if was_full:
                self._bell.set()

    def _give_up(self, run: Run) -> None:
        """Fail a run that could not be carried, or it would be running for ever under a living worker."""
        try:
            message = "The server could not carry this run out; try once more."
            fail_run(self._bench, run, RunOutcome("SERVER_ERROR", message))
        except Exception:
            _log.exception("run %s could not be failed; the watch takes it up", run.run_id)
