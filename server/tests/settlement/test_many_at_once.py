"""PostgreSQL: many start, cancel, fail and complete runs of one key at once, and nobody is in a deadlock."""

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

from .books import Books

pytestmark = pytest.mark.parametrize("migrated_url", ["postgres"], indirect=True)

WHY = RunOutcome("SERVER_ERROR", "why")
PATIENCE = 60.0


class Traffic:
    """What each thread does again and again, each time in transactions of their own."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.projects = [books.account.project_id, *(books.new_project() for _ in range(2))]
        self.run_ids: list[str] = []
        self.done: Counter[str] = Counter()
        self._lock = threading.Lock()

    def start(self, _chance: Random) -> None:
        run = self.books.started()
        with self._lock:
            self.run_ids.append(run.run_id)
        self._count("start")

    def start_anywhere(self, chance: Random) -> None:
        run = self.books.started(project_id=chance.choice(self.projects))
        with self._lock:
            self.run_ids.append(run.run_id)
        self._count("start_anywhere")

    def start_once(self, chance: Random) -> None:
        """Start with one of two idempotency keys; one of them is often taken, the other one never."""
        key = f"key {len(self.run_ids) + chance.randint(0, 1)}"
        try:
            run = self.books.started(idempotency_key=key)
        except DuplicateKey:
            return
        with self._lock:
            self.run_ids.append(run.run_id)
        self._count("start_once")

    def cancel(self, chance: Random) -> None:
        """Cancel one of the latest, whoever has it."""
        if not self.run_ids:
            return
        with self.books.database.transaction() as tx:
            run = runs.read_run(tx, chance.choice(self.run_ids[-20:]))
            cancelled = settlement.cancel(tx, run)
        if cancelled:
            self._count("cancel")

    def fail(self, chance: Random) -> None:
        self._end("fail", chance)

    def complete(self, chance: Random) -> None:
        self._end("complete", chance)

    def _end(self, end: str, chance: Random) -> None:
        books = self.books
        with books.database.transaction() as tx:
            claimed = runs.claim(tx, f"wrk_{threading.get_ident()}", 2, {"rehearsal": 2})
        for run in claimed:
            made = (b"one", chance.choice((b"two", b"three"))) if end == "complete" else ()
            outputs = books.pictures(run, *made)
            with books.database.transaction() as tx:
                ended = settlement.complete(tx, run, outputs) if outputs else settlement.fail(tx, run, WHY)
            if ended:
                self._count(end)

    def _count(self, name: str) -> None:
        with self._lock:
            self.done[name] += 1

    def flow(self, moves: Sequence[str], times: int) -> None:
        """Let each thread make its move until each move was made so often; what one raises is raised."""
        deadline = time.monotonic() + PATIENCE
        failed = threading.Event()

        def repeat(number: int) -> None:
            move: Callable[[Random], None] = getattr(self, moves[number])
            chance = Random(number)
            try:
                while min(self.done[name] for name in moves) < times and not failed.is_set():
                    assert time.monotonic() < deadline, self.done
                    move(chance)
            except BaseException:
                failed.set()
                raise

        with ThreadPoolExecutor(len(moves)) as pool:
            for thread in [pool.submit(repeat, number) for number in range(len(moves))]:
                thread.result()
        self.books.check()


def test_starts_beside_cancels_and_failures_of_the_same_key(books: Books) -> None:
    Traffic(books).flow(["start", "start", "cancel", "fail"], times=400)


@pytest.mark.parametrize(
    "moves",
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
def test_any_two_beside_each_other(books: Books, moves: list[str]) -> None:
    Traffic(books).flow(moves, times=20)
