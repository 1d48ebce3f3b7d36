"""Several workers claim from one queue at the same time, each up to the capacity of its engines."""

import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import sqlalchemy as sa

from support.records import pending_run, queue
from terrarium_server import ids, runs
from terrarium_server.runs import Run, RunOutcome
from terrarium_server.store import Database

RUNS = 300
WORKERS = 6
ENGINES = ["acme", "rehearsal", "sketch"]


class RolledBack(Exception):
    """Undoes a transaction."""


def queued_for(database: Database, *engines: str) -> list[str]:
    """Record a run for each, the oldest first."""
    queued = [ids.mint("run", now_ms=number) for number in range(len(engines))]
    with database.transaction() as tx:
        for run_id, engine in zip(queued, engines, strict=True):
            queue(tx, pending_run(run_id, engine=engine))
    return queued


def claimed(database: Database, count: int, capacity: dict[str, int], worker: str = "wrk_a") -> list[str]:
    with database.transaction() as tx:
        return [run.run_id for run in runs.claim(tx, worker, count, capacity)]


def test_every_run_goes_to_one_worker_and_no_worker_gets_too_many(database: Database) -> None:
    queued = queued_for(database, *(ENGINES[number % 3] for number in range(RUNS)))

    def claim_all(worker: int) -> Iterator[tuple[int, dict[str, int], list[Run]]]:
        rng = random.Random(worker)
        while True:
            count = rng.randint(1, 8)
            # One engine may be full, but not all of them.
            capacity = {engine: rng.randint(1, 4) for engine in rng.sample(ENGINES, rng.randint(2, 3))}
            with database.transaction() as tx:
                taken = runs.claim(tx, f"wrk_{worker}", count, capacity)
                left = runs.engines_waited_for(tx)
            yield count, capacity, taken
            if not left:
                return

    with ThreadPoolExecutor(WORKERS) as pool:
        claims = [
            claim
            for taken in pool.map(lambda worker: list(claim_all(worker)), range(WORKERS))
            for claim in taken
        ]
    for count, capacity, taken in claims:
        assert len(taken) <= count
        assert Counter(run.engine for run in taken) <= Counter(capacity)
    assert Counter(run.run_id for _, _, taken in claims for run in taken) == Counter(queued)


def test_a_full_engine_does_not_delay_others(database: Database) -> None:
    queued = queued_for(database, "acme", "acme", "acme", "rehearsal", "acme", "rehearsal")
    assert claimed(database, 9, {"acme": 1, "rehearsal": 9}) == [queued[0], queued[3], queued[5]]
    assert claimed(database, 9, {"rehearsal": 9}) == []
    assert claimed(database, 9, {}) == []
    assert claimed(database, 9, {"acme": 2}) == [queued[1], queued[2]]


def test_engines_take_turns_in_the_order_of_the_capacity(database: Database) -> None:
    queued = queued_for(database, "rehearsal", "acme", "acme", "rehearsal")
    assert claimed(database, 3, {"acme": 3, "rehearsal": 3}) == [queued[1], queued[0], queued[2]]
    [newer] = queued_for(database, "acme")
    assert claimed(database, 2, {"rehearsal": 1, "acme": 3}) == [queued[3], newer]


@pytest.mark.parametrize(
    "not_ready", [{"waits_for": 1}, {"due_at": 1}, {"requires": "gpu"}, {"state": "skipped"}]
)
def test_a_run_that_is_not_ready_is_not_claimed(database: Database, not_ready: dict[str, object]) -> None:
    [run_id] = queued_for(database, "rehearsal")
    with database.transaction() as tx:
        tx.execute(sa.update(runs.runs).values(**not_ready))
    assert claimed(database, 9, {"rehearsal": 9}) == []
    with database.transaction() as tx:
        assert runs.read_run(tx, run_id).claim == 0


def test_claims_of_a_run_are_numbered(database: Database) -> None:
    [run_id] = queued_for(database, "rehearsal")
    with database.transaction() as tx:
        [run] = runs.claim(tx, "wrk_a", 1, {"rehearsal": 1})
        assert (run.run_id, run.state, run.worker_id, run.claim) == (run_id, "running", "wrk_a", 1)
        assert run.started_at == tx.now_ms
        assert runs.requeue(tx, run)
        [run] = runs.claim(tx, "wrk_b", 1, {"rehearsal": 1})
        assert (run.worker_id, run.claim, run.attempts) == ("wrk_b", 2, 0)


def test_a_fallback_model_runs_on_its_own_engine(database: Database) -> None:
    [run_id] = queued_for(database, "rehearsal")
    with database.transaction() as tx:
        [run] = runs.claim(tx, "wrk_a", 1, {"rehearsal": 1})
        why = RunOutcome("SERVER_ERROR", "why")
        assert runs.fall_back(tx, run, engine="acme", model="t2t-second", outcome=why)
    assert claimed(database, 9, {"rehearsal": 9}) == []
    assert claimed(database, 9, {"acme": 9}) == [run_id]


# SQLite has one writer: there the claim would wait.
@pytest.mark.parametrize("migrated_url", ["postgres"], indirect=True)
def test_a_claim_does_not_wait_for_a_run_that_is_being_cancelled(database: Database) -> None:
    first, second = queued_for(database, "rehearsal", "rehearsal")
    capacity = {"rehearsal": 9}
    with suppress(RolledBack), database.transaction() as tx:
        assert runs.cancel(tx, first, RunOutcome("SERVER_ERROR", "why"))
        assert claimed(database, 9, capacity) == [second]
        raise RolledBack
    assert claimed(database, 9, capacity) == [first]
