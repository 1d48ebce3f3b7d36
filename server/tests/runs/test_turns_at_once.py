"""Many transactions admit, claim and return runs at the same time."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
import sqlalchemy as sa

from support.records import pending_run, queue
from terrarium_server import runs
from terrarium_server.runs import Run
from terrarium_server.store import Database, Transaction

DEADLINE = 60.0
CAPACITY = {"rehearsal": 9}
LIMIT = 3
# SQLite has one writer, so there nothing happens at the same time.
only_postgres = pytest.mark.parametrize("migrated_url", ["postgres"], indirect=True)


def admit(database: Database, *run_ids: str, workspace_id: str = "ws_1") -> None:
    with database.transaction() as tx:
        queue(tx, *(pending_run(run_id, workspace_id=workspace_id) for run_id in run_ids))


def claimed(database: Database, count: int = 9) -> list[str]:
    with database.transaction() as tx:
        return [run.run_id for run in runs.claim(tx, "wrk_a", count, CAPACITY)]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def has_waiter(database: Database) -> bool:
    """Whether a transaction waits for a lock of another one."""
    with database.transaction() as tx:
        waiting = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return tx.execute(waiting).scalar_one() > 0


@only_postgres
def test_a_claim_next_to_an_admission_takes_what_is_ready_and_loses_no_wake_up(database: Database) -> None:
    admit(database, "run_1")
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as tx:
            # It holds the workspace's turn, and its run is not visible yet.
            queue(tx, pending_run("run_2"))
            claim = pool.submit(claimed, database)
            wait_until(lambda: has_waiter(database))
        assert claim.result(DEADLINE) == ["run_1"]
    assert claimed(database) == ["run_2"]


@only_postgres
def test_a_run_admitted_while_its_workspace_is_drained_is_claimed_next(database: Database) -> None:
    admit(database, "run_1")
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as tx:
            assert len(runs.claim(tx, "wrk_a", 9, CAPACITY)) == 1
            # The claim has noted that the workspace does not wait any more.
            admission = pool.submit(admit, database, "run_2")
            wait_until(lambda: has_waiter(database))
        admission.result(DEADLINE)
    assert claimed(database) == ["run_2"]


@only_postgres
def test_whatever_happens_at_once_every_run_is_claimed_once_and_nothing_deadlocks(database: Database) -> None:
    admitters, claimers, of_each = 6, 4, 30
    names = [f"run_{number}_{count}" for number in range(admitters) for count in range(of_each)]
    done: Counter[str] = Counter()

    def admit_all(number: int) -> None:
        for count in range(of_each):
            admit(database, f"run_{number}_{count}", workspace_id=f"ws_{number % 3}")

    def claim_all(number: int) -> None:
        random, deadline = Random(number), time.monotonic() + DEADLINE
        while done.total() < len(names):
            assert time.monotonic() < deadline, done
            with database.transaction() as tx:
                taken = runs.claim(tx, f"wrk_{number}", random.randint(1, 4), CAPACITY)
            for run in taken:
                with database.transaction() as tx:
                    if random.random() < 0.2:
                        assert runs.requeue(tx, run)
                        continue
                    assert runs.complete(tx, run, 1)
                done[run.run_id] += 1

    with ThreadPoolExecutor(admitters + claimers) as pool:
        threads = [pool.submit(admit_all, number) for number in range(admitters)]
        threads += [pool.submit(claim_all, number) for number in range(claimers)]
        for thread in threads:
            thread.result()
    assert done == Counter(names)
    with database.transaction() as tx:
        assert runs.find_overlooked(tx) == set()


def using(tx: Transaction) -> int:
    """Return how many runs use the engine."""
    table = runs.runs
    statement = sa.select(sa.func.count()).where(table.c.state == "running", table.c.off_engine.is_(None))
    return tx.execute(statement).scalar_one()


def test_an_engine_never_has_more_runs_than_its_limit_whoever_claims(database: Database) -> None:
    claimers, count = 8, 64
    admit(database, *(f"run_{number}" for number in range(count)))
    most: list[int] = []
    done: list[str] = []

    def work(number: int) -> None:
        """Claim runs; every second one fetches its media before it goes on."""
        worker, mine = Random(number), list[Run]()
        deadline = time.monotonic() + DEADLINE
        while len(done) < count:
            assert time.monotonic() < deadline, done
            with database.transaction() as tx:
                mine += runs.claim(tx, f"wrk_{number}", 2, CAPACITY, {"rehearsal": LIMIT})
            with database.transaction() as tx:
                most.append(using(tx))
            for run in mine[:]:
                if worker.random() < 0.5:
                    with database.transaction() as tx:
                        assert runs.leave_engine(tx, run)
                    with database.transaction() as tx:
                        has_returned = runs.return_to_engine(tx, run, LIMIT)
                    if not has_returned:
                        assert has_returned is False
                        continue
                    with database.transaction() as tx:
                        most.append(using(tx))
                with database.transaction() as tx:
                    assert runs.complete(tx, run, 1)
                mine.remove(run)
                done.append(run.run_id)

    with ThreadPoolExecutor(claimers) as pool:
        for thread in [pool.submit(work, number) for number in range(claimers)]:
            thread.result()
    assert max(most) <= LIMIT
    assert sorted(done) == sorted(f"run_{number}" for number in range(count))


def test_a_run_that_fetches_its_media_frees_its_engine_and_returns_before_new_ones(
    database: Database,
) -> None:
    limits = {"rehearsal": 1}
    admit(database, "run_1", "run_2", "run_3")

    def claim() -> list[Run]:
        with database.transaction() as tx:
            return runs.claim(tx, "wrk_a", 9, CAPACITY, limits)

    def returns(run: Run) -> bool | None:
        with database.transaction() as tx:
            return runs.return_to_engine(tx, run, 1)

    [first] = claim()
    assert claim() == []
    with database.transaction() as tx:
        assert runs.leave_engine(tx, first)
    [second] = claim()
    assert returns(first) is False
    with database.transaction() as tx:
        assert runs.complete(tx, second, 1)
    # The first one has its media now and waits for the engine.
    assert claim() == []
    assert returns(first) is True
    assert claim() == []
    with database.transaction() as tx:
        assert runs.complete(tx, first, 1)
    assert returns(first) is None
    with database.transaction() as tx:
        assert not runs.leave_engine(tx, first)
    assert [run.run_id for run in claim()] == ["run_3"]
