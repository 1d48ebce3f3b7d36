"""PostgreSQL: no two operations deadlock, at whichever statement of the first one the second one starts.

The first one pauses between two of its statements and keeps its locks. The second one runs until it is done
or waits for one of those locks; then the first one continues. If the two take locks in opposite orders,
PostgreSQL reports a deadlock and the test fails.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from terrarium_server import accounts, assets, ledger, runs, settlement
from terrarium_server.problems import Problem
from terrarium_server.runs import Run, RunOutcome
from terrarium_server.store import Database, Transaction

from .tenant import Tenant

pytestmark = pytest.mark.parametrize("migrated_url", ["postgres"], indirect=True)

OUTCOME = RunOutcome("SERVER_ERROR", "why")
TIMEOUT_SECONDS = 60.0
_numbers = count()


class Records:
    """Two claimed runs, a pending one, and a second project."""

    def __init__(self, tenant: Tenant, other_project: str) -> None:
        self.tenant = tenant
        self.other_project = other_project
        self.idempotency_key = f"key {next(_numbers)}"
        self.run = tenant.claimed()
        self.another = tenant.claimed()
        self.pending = tenant.started()
        with tenant.database.transaction() as tx:
            # Media of earlier records can be reused, and swept.
            tx.execute(sa.delete(assets.media_links))
            # So that a start writes the time of its activity.
            tx.execute(sa.update(accounts.projects).values(last_modified=0))

    def complete(self, tx: Transaction, run: Run) -> object:
        """Both runs have the same two contents, in opposite orders."""
        contents = (b"one", b"two") if run is self.run else (b"two", b"one")
        return settlement.complete(tx, run, self.tenant.pictures(run, *contents))

    def sweep(self, tx: Transaction) -> None:
        """Delete all media without a link."""
        media_ids = list(tx.execute(sa.select(assets.media.c.media_id)).scalars())
        assets.drop_unlinked(tx, media_ids)

    def cancel(self, tx: Transaction, run: Run) -> object:
        """Cancel as a caller does, who does not know the current claim."""
        return settlement.cancel(tx, runs.read_run(tx, run.run_id))

    def grant(self, tx: Transaction) -> None:
        # Granted and withdrawn, so that the checks need not count it.
        for micros in (1, -1):
            ledger.grant(tx, self.tenant.account.workspace_id, micros)


OPERATIONS: dict[str, Callable[[Records, Transaction], object]] = {
    "start": lambda records, tx: records.tenant.admit(tx),
    "start with a key": lambda records, tx: records.tenant.admit(tx, idempotency_key=records.idempotency_key),
    "start elsewhere": lambda records, tx: records.tenant.admit(tx, project_id=records.other_project),
    "complete": lambda records, tx: records.complete(tx, records.run),
    "complete another": lambda records, tx: records.complete(tx, records.another),
    "fail": lambda records, tx: settlement.fail(tx, records.run, OUTCOME),
    "cancel": lambda records, tx: records.cancel(tx, records.run),
    "cancel another": lambda records, tx: records.cancel(tx, records.another),
    "cancel pending": lambda records, tx: records.cancel(tx, records.pending),
    "give up": lambda records, tx: settlement.give_up(tx, records.pending, OUTCOME),
    "grant": lambda records, tx: records.grant(tx),
    "sweep": lambda records, tx: records.sweep(tx),
}


class Session:
    """A database session with a name that others can see."""

    def __init__(self, url: str, name: str) -> None:
        self.name = name
        self.database = Database(f"{url}?application_name={name}")
        self.stop_after: int | None = None
        self.stopped, self.may_go_on = threading.Event(), threading.Event()
        self._sent = 0
        event.listen(self.database.engine, "after_cursor_execute", self._maybe_stop)

    def _maybe_stop(self, *_: Any) -> None:
        self._sent += 1
        if self._sent == self.stop_after:
            self.stopped.set()
            assert self.may_go_on.wait(TIMEOUT_SECONDS)

    def run(self, operation: Callable[[Transaction], object]) -> None:
        self._sent = 0
        try:
            with self.database.transaction() as tx:
                operation(tx)
        except Problem:
            pass  # the idempotency key is taken


class Interleaving:
    """Runs an operation in one session while another one is paused in the other session."""

    def __init__(self, tenant: Tenant, url: str) -> None:
        self.tenant = tenant
        self.other_project = tenant.new_project()
        self._first, self._second = Session(url, "first"), Session(url, "second")
        self._pool = ThreadPoolExecutor(2)

    def run(self, first: str, second: str, stop_after: int) -> bool:
        """Run two operations; False if the first one ended before it sent so many statements."""
        records, one, two = Records(self.tenant, self.other_project), self._first, self._second
        one.stop_after = stop_after
        one.stopped.clear()
        one.may_go_on.clear()
        ahead = self._pool.submit(one.run, lambda tx: OPERATIONS[first](records, tx))
        self._wait(lambda: one.stopped.is_set() or ahead.done())
        was_stopped = one.stopped.is_set()
        behind: Future[None] = self._pool.submit(two.run, lambda tx: OPERATIONS[second](records, tx))
        self._wait(lambda: behind.done() or self._waits_for_a_lock("second"))
        one.may_go_on.set()
        ahead.result(TIMEOUT_SECONDS)
        behind.result(TIMEOUT_SECONDS)
        self.tenant.check_links()
        self.tenant.cancel_pending()
        return was_stopped

    def _wait(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not is_so():
            assert time.monotonic() < deadline
            time.sleep(0.001)

    def _waits_for_a_lock(self, name: str) -> bool:
        waiting = sa.text("SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) "
                        "WHERE NOT granted AND application_name = :name")  # fmt: skip
        with self.tenant.database.transaction() as tx:
            return tx.execute(waiting, {"name": name}).scalar_one() > 0

    def close(self) -> None:
        self._first.may_go_on.set()
        self._pool.shutdown()
        self._first.database.close()
        self._second.database.close()


@pytest.fixture
def interleaving(tenant: Tenant, migrated_url: str) -> Iterator[Interleaving]:
    opened = Interleaving(tenant, migrated_url)
    yield opened
    opened.close()


@pytest.mark.parametrize("first", OPERATIONS)
def test_no_two_operations_deadlock(tenant: Tenant, interleaving: Interleaving, first: str) -> None:
    names = list(OPERATIONS)
    for second in names[names.index(first) :]:
        stops = 0
        while interleaving.run(first, second, stops + 1):
            stops += 1
        assert stops > 1
    tenant.check()
