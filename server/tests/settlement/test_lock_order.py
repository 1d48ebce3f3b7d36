"""PostgreSQL: whatever two do at once, wherever the first one is when the second one comes, both get through.

The first one is stopped between two of its statements, where it keeps its locks. The second one goes on until
it is done or waits for one of them; then the first one goes on. Wherever two take locks crosswise,
PostgreSQL ends one of them here.
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

from .books import Books

pytestmark = pytest.mark.parametrize("migrated_url", ["postgres"], indirect=True)

WHY = RunOutcome("SERVER_ERROR", "why")
PATIENCE = 60.0
_numbers = count()


class Scene:
    """Two runs under claims of a worker, one that waits, and a place for one more."""

    def __init__(self, books: Books, elsewhere: str) -> None:
        self.books = books
        self.elsewhere = elsewhere
        self.idempotency_key = f"key {next(_numbers)}"
        self.run = books.claimed()
        self.another = books.claimed()
        self.waiting = books.started()
        with books.database.transaction() as tx:
            # What earlier scenes made is there to be shared, and to be swept.
            tx.execute(sa.delete(assets.media_links))
            # So that a start notes activity there.
            tx.execute(sa.update(accounts.projects).values(last_modified=0))

    def complete(self, tx: Transaction, run: Run) -> object:
        """Both runs make the same two contents, one of them the other way round."""
        contents = (b"one", b"two") if run is self.run else (b"two", b"one")
        return settlement.complete(tx, run, self.books.pictures(run, *contents))

    def sweep(self, tx: Transaction) -> None:
        """Drop what no link leads to, as if that were all media there are."""
        known = list(tx.execute(sa.select(assets.media.c.media_id)).scalars())
        assets.drop_unlinked(tx, known)

    def cancel(self, tx: Transaction, run: Run) -> object:
        """As a caller does, who does not know whose it is by now."""
        return settlement.cancel(tx, runs.read_run(tx, run.run_id))

    def grant(self, tx: Transaction) -> None:
        # Given and taken back, so that the books need not know of it.
        for micros in (1, -1):
            ledger.grant(tx, self.books.account.workspace_id, micros)


MOVES: dict[str, Callable[[Scene, Transaction], object]] = {
    "start": lambda scene, tx: scene.books.admit(tx),
    "start with a key": lambda scene, tx: scene.books.admit(tx, idempotency_key=scene.idempotency_key),
    "start elsewhere": lambda scene, tx: scene.books.admit(tx, project_id=scene.elsewhere),
    "complete": lambda scene, tx: scene.complete(tx, scene.run),
    "complete another": lambda scene, tx: scene.complete(tx, scene.another),
    "fail": lambda scene, tx: settlement.fail(tx, scene.run, WHY),
    "cancel": lambda scene, tx: scene.cancel(tx, scene.run),
    "cancel another": lambda scene, tx: scene.cancel(tx, scene.another),
    "cancel what waits": lambda scene, tx: scene.cancel(tx, scene.waiting),
    "give up": lambda scene, tx: settlement.give_up(tx, scene.waiting, WHY),
    "grant": lambda scene, tx: scene.grant(tx),
    "sweep": lambda scene, tx: scene.sweep(tx),
}


class Actor:
    """Somebody with a connection of their own, whom others see under a name."""

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
            assert self.may_go_on.wait(PATIENCE)

    def act(self, move: Callable[[Transaction], object]) -> None:
        self._sent = 0
        try:
            with self.database.transaction() as tx:
                move(tx)
        except Problem:
            pass  # a refusal, for a key that is taken


class Stage:
    """Two actors, and somebody who sees whether one of them waits."""

    def __init__(self, books: Books, url: str) -> None:
        self.books = books
        self.elsewhere = books.new_project()
        self._first, self._second = Actor(url, "first"), Actor(url, "second")
        self._pool = ThreadPoolExecutor(2)

    def play(self, first: str, second: str, stop_after: int) -> bool:
        """Play two moves; False if the first one was done before it sent so many statements."""
        scene, one, two = Scene(self.books, self.elsewhere), self._first, self._second
        one.stop_after = stop_after
        one.stopped.clear()
        one.may_go_on.clear()
        ahead = self._pool.submit(one.act, lambda tx: MOVES[first](scene, tx))
        self._wait(lambda: one.stopped.is_set() or ahead.done())
        was_stopped = one.stopped.is_set()
        behind: Future[None] = self._pool.submit(two.act, lambda tx: MOVES[second](scene, tx))
        self._wait(lambda: behind.done() or self._waits_for_a_lock("second"))
        one.may_go_on.set()
        ahead.result(PATIENCE)
        behind.result(PATIENCE)
        self.books.check_links()
        self.books.cancel_all_that_wait()
        return was_stopped

    def _wait(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not is_so():
            assert time.monotonic() < deadline
            time.sleep(0.001)

    def _waits_for_a_lock(self, name: str) -> bool:
        asked = sa.text("SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) "
                        "WHERE NOT granted AND application_name = :name")  # fmt: skip
        with self.books.database.transaction() as tx:
            return tx.execute(asked, {"name": name}).scalar_one() > 0

    def close(self) -> None:
        self._first.may_go_on.set()
        self._pool.shutdown()
        self._first.database.close()
        self._second.database.close()


@pytest.fixture
def stage(books: Books, migrated_url: str) -> Iterator[Stage]:
    opened = Stage(books, migrated_url)
    yield opened
    opened.close()


@pytest.mark.parametrize("first", MOVES)
def test_nobody_waits_crosswise(books: Books, stage: Stage, first: str) -> None:
    names = list(MOVES)
    for second in names[names.index(first) :]:
        stops = 0
        while stage.play(first, second, stops + 1):
            stops += 1
        assert stops > 1
    books.check()
