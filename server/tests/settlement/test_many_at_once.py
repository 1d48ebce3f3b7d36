"""PostgreSQL: many threads start, cancel, fail and complete runs of one key at once, without deadlocks."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from terrarium_server import runs, settlement
from terrarium_server.problems import DuplicateKey
from terrarium_server.runs import RunOutcome

from .tenant import Tenant

pytestmark = pytest.mark.parametrize("migrated_url", ["postgres"], indirect=True)

OUTCOME = RunOutcome("SERVER_ERROR", "why")
TIMEOUT_SECONDS = 60.0


class Workload:
    """Operations that threads repeat, each time in a transaction of its own."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.projects = [tenant.account.project_id, *(tenant.new_project() for _ in range(2))]
        self.run_ids: list[str] = []
        self.done: Counter[str] = Counter()
        self._lock = threading.Lock()

    def start(self, _random: Random) -> None:
        run = self.tenant.started()
        with self._lock:
            self.run_ids.append(run.run_id)
        self._count("start")

    def start_anywhere(self, random: Random) -> None:
        run = self.tenant.started(project_id=random.choice(self.projects))
        with self._lock:
            self.run_ids.append(run.run_id)
        self._count("start_anywhere")

    def start_once(self, random: Random) -> None:
        """Start with one of two idempotency keys; one is often taken, the other one never."""
        key = f"key {len(self.run_ids) + random.randint(0, 1)}"
        try:
            run = self.tenant.started(idempotency_key=key)
        except DuplicateKey:
            return
        with self._lock:
            self.run_ids.append(run.run_id)
        self._count("start_once")

    def cancel(self, random: Random) -> None:
        """Cancel one of the latest runs, whichever worker has it."""
        if not self.run_ids:
            return
        with self.tenant.database.transaction() as tx:
            run = runs.read_run(tx, random.choice(self.run_ids[-20:]))
            cancelled = settlement.cancel(tx, run, actor="system")
        if cancelled:
            self._count("cancel")

    def fail(self, random: Random) -> None:
        self._end("fail", random)

    def complete(self, random: Random) -> None:
        self._end("complete", random)

    def _end(self, end: str, random: Random) -> None:
        tenant = self.tenant
        with tenant.database.transaction() as tx:
            claimed = runs.claim(tx, f"wrk_{threading.get_ident()}", 2, {"rehearsal": 2})
        for run in claimed:
            made = (b"one", random.choice((b"two", b"three"))) if end == "complete" else ()
            outputs = tenant.pictures(run, *made)
            with tenant.database.transaction() as tx:
                ended = (
                    settlement.complete(tx, run, outputs) if outputs else settlement.fail(tx, run, OUTCOME)
                )
            if ended:
                self._count(end)

    def _count(self, name: str) -> None:
        with self._lock:
            self.done[name] += 1

    def run(self, operations: Sequence[str], times: int) -> None:
        """Repeat every operation in a thread until each succeeded ``times`` times. Raises what one raises."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        failed = threading.Event()

        def repeat(number: int) -> None:
            operation: Callable[[Random], None] = getattr(self, operations[number])
            random = Random(number)
            try:
                while min(self.done[name] for name in operations) < times and not failed.is_set():
                    assert time.monotonic() < deadline, self.done
                    operation(random)
            except BaseException:
                failed.set()
                raise

        with ThreadPoolExecutor(len(operations)) as pool:
            for thread in [pool.submit(repeat, number) for number in range(len(operations))]:
                thread.result()
        self.tenant.check()


def test_starts_cancels_and_failures_of_the_same_key_run_at_once(tenant: Tenant) -> None:
    Workload(tenant).run(["start", "start", "cancel", "fail"], times=400)


@pytest.mark.parametrize(
    "operations",
    [
        ["start", "start", "start", "start"],
        ["start_once", "start_once", "start_once", "start_once"],
        ["start", "start", "cancel", "cancel"],
        ["start", "start", "complete", "complete"],
        ["start", "start", "complete", "cancel"],
        ["start", "cancel", "cancel", "cancel"],
        ["start_anywhere", "start_anywhere", "start_anywhere", "start_anywhere"],
        ["start_anywhere", "start_anywhere", "complete", "cancel"],
    ],
    ids=" ".join,
)
def test_operations_run_at_once(tenant: Tenant, operations: list[str]) -> None:
    Workload(tenant).run(operations, times=20)
