"""What is written under a claim that does not hold any more changes nothing, whatever it is."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from support.records import pending_run
from terrarium_server import runs
from terrarium_server.runs import Run, RunOutcome, Shown
from terrarium_server.store import Database, Transaction

ROOM = {"rehearsal": 9}
WHY = RunOutcome("SERVER_ERROR", "why")
NOBODY_IS_ALIVE = sa.true()


def show(tx: Transaction, run: Run) -> bool:
    assert run.worker_id is not None
    runs.show(tx, run.worker_id, [Shown(run.run_id, run.claim, 50, "half")])
    return tx.execute(sa.select(sa.func.count()).select_from(runs.run_progress)).scalar_one() == 1


WRITES: dict[str, Callable[[Transaction, Run], bool]] = {
    "complete": lambda tx, run: runs.complete(tx, run, 1),
    "fail": lambda tx, run: runs.fail(tx, run, WHY),
    "postpone": lambda tx, run: runs.postpone(tx, run, 1000),
    "requeue": runs.requeue,
    "fall_back": lambda tx, run: runs.fall_back(tx, run, engine="acme", model="t2t-second", outcome=WHY),
    "leave": runs.leave,
    "is_held": runs.is_held,
    "show": show,
}


def again_by_the_same_worker(tx: Transaction, run: Run) -> None:
    runs.requeue(tx, run)
    runs.claim(tx, "wrk_a", 1, ROOM)


def by_another_worker(tx: Transaction, run: Run) -> None:
    runs.requeue(tx, run)
    runs.claim(tx, "wrk_b", 1, ROOM)


def taken_over(tx: Transaction, run: Run) -> None:
    assert runs.take_over(tx, run, "wrk_b", NOBODY_IS_ALIVE, died=True)


def taken_up_again_by_its_worker(tx: Transaction, run: Run) -> None:
    assert runs.take_over(tx, run, "wrk_a", NOBODY_IS_ALIVE, died=False)


SINCE: dict[str, Callable[[Transaction, Run], object]] = {
    "claimed again by the same worker": again_by_the_same_worker,
    "claimed by another worker": by_another_worker,
    "taken over": taken_over,
    "taken up again by its worker": taken_up_again_by_its_worker,
    "left": runs.leave,
    "back in the queue": runs.requeue,
    "postponed": lambda tx, run: runs.postpone(tx, run, 1000),
    "put back by a survivor": lambda tx, run: runs.requeue_abandoned(tx, run, NOBODY_IS_ALIVE, died=True),
    "completed": lambda tx, run: runs.complete(tx, run, 1),
    "failed": lambda tx, run: runs.fail(tx, run, WHY),
    "cancelled": lambda tx, run: runs.cancel(tx, run.run_id, WHY),
}


@pytest.fixture
def claimed(database: Database) -> Run:
    """A run that wrk_a has just claimed."""
    with database.transaction() as tx:
        runs.record(tx, pending_run("run_1"))
        [run] = runs.claim(tx, "wrk_a", 1, ROOM)
    return run


def everything(tx: Transaction) -> list[Any]:
    tables = (runs.runs, runs.run_progress)
    return [tuple(row) for table in tables for row in tx.execute(sa.select(table))]


@pytest.mark.parametrize("write", WRITES)
def test_whoever_has_it_may_write(database: Database, claimed: Run, write: str) -> None:
    with database.transaction() as tx:
        assert WRITES[write](tx, claimed) is True


@pytest.mark.parametrize("since", SINCE)
def test_whoever_had_it_changes_nothing(database: Database, claimed: Run, since: str) -> None:
    with database.transaction() as tx:
        SINCE[since](tx, claimed)
        before = everything(tx)
        said = {name: write(tx, claimed) for name, write in WRITES.items()}
        assert said == dict.fromkeys(WRITES, False)
        assert everything(tx) == before


@pytest.mark.parametrize("since", [name for name in SINCE if name != "left"])
def test_an_abandoned_run_is_taken_only_as_it_was_found(database: Database, claimed: Run, since: str) -> None:
    with database.transaction() as tx:
        SINCE[since](tx, claimed)
        before = everything(tx)
        assert runs.take_over(tx, claimed, "wrk_c", NOBODY_IS_ALIVE, died=True) is None
        # The claim's number stays while a run waits, so a run that is back is told by its state.
        assert not runs.requeue_abandoned(tx, claimed, NOBODY_IS_ALIVE, died=True)
        assert everything(tx) == before


def test_only_the_claim_that_completed_it_is_told_so(database: Database, claimed: Run) -> None:
    with database.transaction() as tx:
        assert not runs.is_completed_by(tx, claimed)
        taken = runs.take_over(tx, claimed, "wrk_b", NOBODY_IS_ALIVE, died=True)
        assert taken is not None and runs.complete(tx, taken, 1)
        assert runs.is_completed_by(tx, taken)
        assert not runs.is_completed_by(tx, claimed)


@pytest.mark.parametrize("end", ["fail", "cancel"])
def test_what_failed_was_not_completed_by_anybody(database: Database, claimed: Run, end: str) -> None:
    with database.transaction() as tx:
        assert runs.fail(tx, claimed, WHY) if end == "fail" else runs.cancel(tx, claimed.run_id, WHY)
        assert not runs.is_completed_by(tx, claimed)
