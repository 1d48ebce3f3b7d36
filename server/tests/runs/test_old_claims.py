"""No write under a claim that is no longer valid changes anything."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from support.records import pending_run, queue
from terrarium_server import runs
from terrarium_server.runs import Run, RunOutcome, RunProgress
from terrarium_server.store import Database, Transaction

CAPACITY = {"rehearsal": 9}
OUTCOME = RunOutcome("SERVER_ERROR", "why")
ANY_WORKER = sa.true()


def write_progress(tx: Transaction, run: Run) -> bool:
    assert run.worker_id is not None
    runs.write_progress(tx, run.worker_id, [RunProgress(run.run_id, run.run_id, run.claim, 50, "half")])
    return tx.execute(sa.select(sa.func.count()).select_from(runs.run_progress)).scalar_one() == 1


WRITES: dict[str, Callable[[Transaction, Run], bool]] = {
    "complete": lambda tx, run: runs.complete(tx, run, 1),
    "fail": lambda tx, run: runs.fail(tx, run, OUTCOME),
    "postpone": lambda tx, run: runs.postpone(tx, run, 1000),
    "requeue": runs.requeue,
    "fall_back": lambda tx, run: runs.fall_back(tx, run, engine="acme", model="t2t-second", outcome=OUTCOME),
    "leave": runs.leave,
    "is_held": runs.is_held,
    "write_progress": write_progress,
}


def again_by_the_same_worker(tx: Transaction, run: Run) -> None:
    runs.requeue(tx, run)
    runs.claim(tx, "wrk_a", 1, CAPACITY)


def by_another_worker(tx: Transaction, run: Run) -> None:
    runs.requeue(tx, run)
    runs.claim(tx, "wrk_b", 1, CAPACITY)


def taken_over(tx: Transaction, run: Run) -> None:
    assert runs.take_over(tx, run, "wrk_b", ANY_WORKER, died=True)


def taken_over_by_its_own_worker(tx: Transaction, run: Run) -> None:
    assert runs.take_over(tx, run, "wrk_a", ANY_WORKER, died=False)


SINCE: dict[str, Callable[[Transaction, Run], object]] = {
    "claimed again by the same worker": again_by_the_same_worker,
    "claimed by another worker": by_another_worker,
    "taken over": taken_over,
    "taken over by its own worker": taken_over_by_its_own_worker,
    "left": runs.leave,
    "requeued": runs.requeue,
    "postponed": lambda tx, run: runs.postpone(tx, run, 1000),
    "requeued by another worker": lambda tx, run: runs.requeue_abandoned(tx, run, ANY_WORKER, died=True),
    "completed": lambda tx, run: runs.complete(tx, run, 1),
    "failed": lambda tx, run: runs.fail(tx, run, OUTCOME),
    "cancelled": lambda tx, run: runs.cancel(tx, run.run_id, OUTCOME),
}


@pytest.fixture
def claimed(database: Database) -> Run:
    """A run that wrk_a has just claimed."""
    with database.transaction() as tx:
        queue(tx, pending_run("run_1"))
        [run] = runs.claim(tx, "wrk_a", 1, CAPACITY)
    return run


def all_rows(tx: Transaction) -> list[Any]:
    tables = (runs.runs, runs.run_progress)
    return [tuple(row) for table in tables for row in tx.execute(sa.select(table))]


@pytest.mark.parametrize("write", WRITES)
def test_a_valid_claim_may_write(database: Database, claimed: Run, write: str) -> None:
    with database.transaction() as tx:
        assert WRITES[write](tx, claimed) is True


@pytest.mark.parametrize("since", SINCE)
def test_an_earlier_claim_changes_nothing(database: Database, claimed: Run, since: str) -> None:
    with database.transaction() as tx:
        SINCE[since](tx, claimed)
        before = all_rows(tx)
        results = {name: write(tx, claimed) for name, write in WRITES.items()}
        assert results == dict.fromkeys(WRITES, False)
        assert all_rows(tx) == before


@pytest.mark.parametrize("since", [name for name in SINCE if name != "left"])
def test_an_abandoned_run_is_taken_over_only_if_it_has_not_changed(
    database: Database, claimed: Run, since: str
) -> None:
    with database.transaction() as tx:
        SINCE[since](tx, claimed)
        before = all_rows(tx)
        assert runs.take_over(tx, claimed, "wrk_c", ANY_WORKER, died=True) is None
        # A queued run keeps the number of its last claim; only its state shows that it is queued.
        assert not runs.requeue_abandoned(tx, claimed, ANY_WORKER, died=True)
        assert all_rows(tx) == before


def test_only_the_claim_that_completed_a_run_is_recognised(database: Database, claimed: Run) -> None:
    with database.transaction() as tx:
        assert not runs.is_completed_by(tx, claimed)
        taken = runs.take_over(tx, claimed, "wrk_b", ANY_WORKER, died=True)
        assert taken is not None and runs.complete(tx, taken, 1)
        assert runs.is_completed_by(tx, taken)
        assert not runs.is_completed_by(tx, claimed)


@pytest.mark.parametrize("end", ["fail", "cancel"])
def test_a_failed_run_was_completed_by_no_claim(database: Database, claimed: Run, end: str) -> None:
    with database.transaction() as tx:
        assert runs.fail(tx, claimed, OUTCOME) if end == "fail" else runs.cancel(tx, claimed.run_id, OUTCOME)
        assert not runs.is_completed_by(tx, claimed)
