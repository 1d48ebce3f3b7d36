"""PostgreSQL: an operation that is paused between two of its statements while another one runs."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from terrarium_server.problems import Problem
from terrarium_server.store import Database, Transaction

from .tenant import Tenant

TIMEOUT_SECONDS = 60.0

Operation = Callable[[Transaction], object]


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

    def run(self, operation: Operation) -> None:
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
        self._first, self._second = Session(url, "first"), Session(url, "second")
        self._pool = ThreadPoolExecutor(2)

    def run_at_every_statement(self, make: Callable[[], tuple[Operation, Operation]]) -> None:
        """Run two operations for each statement of the first one; ``make`` prepares new records for them."""
        stops = 0
        while self._run(*make(), stops + 1):
            stops += 1
        assert stops > 1

    def _run(self, first: Operation, second: Operation, stop_after: int) -> bool:
        """Run two operations; False if the first one ended before it sent so many statements."""
        one, two = self._first, self._second
        one.stop_after = stop_after
        one.stopped.clear()
        one.may_go_on.clear()
        ahead = self._pool.submit(one.run, first)
        self._wait(lambda: one.stopped.is_set() or ahead.done())
        was_stopped = one.stopped.is_set()
        behind: Future[None] = self._pool.submit(two.run, second)
        self._wait(lambda: behind.done() or self._waits_for_a_lock("second"))
        one.may_go_on.set()
        ahead.result(TIMEOUT_SECONDS)
        behind.result(TIMEOUT_SECONDS)
        self.tenant.check_links()
        self.tenant.cancel_unfinished()
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
