"""Dead workers' runs, and runs that a live worker dropped."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

from support.puppet import Gate, Puppet
from support.stage import GRANT_USD, PRICE_MICROS, MakeStage, Stage
from terrarium_server import runs
from terrarium_server.store import Transaction
from terrarium_server.workflows import _watch, workers
from terrarium_server.workflows._bench import Bench
from terrarium_server.workflows._watch import Watch

GRANT = round(GRANT_USD * 1_000_000)
DEAD, ALIVE, ME = "wrk_dead", "wrk_alive", "wrk_me"


def enter(stage: Stage, worker_id: str, *, seconds_ago: float) -> None:
    """Write a worker's last heartbeat."""
    with stage.house.database.transaction() as tx:
        beat = tx.now_ms - int(seconds_ago * 1000)
        tx.execute(sa.insert(workers), {"worker_id": worker_id, "started_at": beat, "heartbeat_at": beat})


def claim(stage: Stage, worker_id: str, count: int) -> list[str]:
    """Let a worker claim what it will never carry."""
    with stage.house.database.transaction() as tx:
        return [run.run_id for run in runs.claim(tx, worker_id, count)]


def watch(stage: Stage, worker_id: str, rings: list[str]) -> Watch:
    """One more worker's watch."""
    house = stage.house
    bench = Bench(
        worker_id, house.database, house.blobs, house.catalog, house.engines, house.signals, house.weights
    )
    return Watch(bench, timeout=10, ring=lambda: rings.append(worker_id))


@pytest.fixture
def nobody_claims(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """While this event is not set, the house's own worker claims nothing."""
    may_claim = threading.Event()
    original = runs.claim

    def gated(tx: Transaction, worker_id: str, count: int, **options: Any) -> list[runs.Run]:
        may = may_claim.is_set() or worker_id in (DEAD, ALIVE)
        return original(tx, worker_id, count, **options) if may else []

    monkeypatch.setattr(runs, "claim", gated)
    return may_claim


def test_exactly_one_of_many_survivors_takes_each_run_of_a_dead_worker(
    make_stage: MakeStage, nobody_claims: threading.Event
) -> None:
    # The house's own watch stays out of it: it sees a worker that beat 15 seconds ago as alive.
    with make_stage(Puppet(), worker_timeout=100.0) as stage:
        started = [stage.start() for _ in range(12)]
        enter(stage, DEAD, seconds_ago=15)
        enter(stage, ALIVE, seconds_ago=1)
        orphans, kept = claim(stage, DEAD, 9), claim(stage, ALIVE, 2)
        rings: list[str] = []
        watches = [watch(stage, f"wrk_{number}", rings) for number in range(5)]
        for one in watches:
            with stage.house.database.transaction() as tx:
                one._beat(tx)
        with ThreadPoolExecutor(len(watches)) as pool:
            list(pool.map(lambda one: one._once(), watches))

        assert len(rings) == len(orphans)
        found = {run.run_id: run for run in stage.all_runs()}
        assert {(found[run_id].state, found[run_id].attempts) for run_id in orphans} == {("pending", 1)}
        assert {(found[run_id].state, found[run_id].worker_id) for run_id in kept} == {("running", ALIVE)}
        nobody_claims.set()
        assert {stage.ended(run_id).state for run_id in set(started) - set(kept)} == {"completed"}
        assert stage.balance == GRANT - len(started) * PRICE_MICROS


def test_a_worker_that_beats_late_keeps_its_runs(
    make_stage: MakeStage, nobody_claims: threading.Event
) -> None:
    with make_stage(Puppet(), worker_timeout=100.0) as stage:
        stage.start()
        enter(stage, ALIVE, seconds_ago=9)
        (kept,) = claim(stage, ALIVE, 1)
        rings: list[str] = []
        one = watch(stage, "wrk_1", rings)
        for _ in range(3):
            one._once()
        assert (stage.run(kept).worker_id, stage.run(kept).attempts, rings) == (ALIVE, 1, [])


def test_on_sqlite_a_start_waits_for_nobodys_heartbeat_to_grow_old(make_stage: MakeStage) -> None:
    with make_stage(Puppet(), workers=False, worker_timeout=1000.0) as stage:
        run_id = stage.start()
        enter(stage, ALIVE, seconds_ago=0)
        assert claim(stage, ALIVE, 1) == [run_id]
        stage.house.start_workers()
        if stage.house.database.is_sqlite:
            assert stage.ended(run_id).state == "completed"
        else:
            # There the other worker may well be alive.
            assert stage.house.workers is not None
            stage.house.workers._watch._once()
            assert (stage.run(run_id).state, stage.run(run_id).worker_id) == ("running", ALIVE)


@pytest.mark.parametrize("repeatable", [True, False])
def test_what_a_worker_carries_is_not_taken_from_it(make_stage: MakeStage, repeatable: bool) -> None:
    gate = Gate()
    engine = Puppet(gate, repeatable=repeatable)
    with make_stage(engine, worker_timeout=1.1) as stage:
        run_id = stage.start()
        stage.wait_until(lambda: bool(engine.submitted), "the run should be under way")
        own = stage.house.workers
        assert own is not None
        for _ in range(4):
            own._watch._once()
        assert (stage.run(run_id).state, stage.run(run_id).attempts) == ("running", 1)
        gate.open_for(1)
        assert stage.ended(run_id).state == "completed"
        assert engine.submitted == [run_id]


@pytest.mark.parametrize(("repeatable", "state"), [(True, "completed"), (False, "failed")])
def test_a_run_dropped_by_a_live_worker_still_ends(
    make_stage: MakeStage, monkeypatch: pytest.MonkeyPatch, repeatable: bool, state: str
) -> None:
    """The run's end cannot be written, nor its failure, twice over."""
    failures = {"complete": 1, "fail": 2}

    def failing_at_first(name: str) -> Callable[..., object]:
        original = getattr(runs, name)

        def move(*args: object) -> object:
            if failures[name]:
                failures[name] -= 1
                raise OSError("the connection is gone")
            return original(*args)

        return move

    for name in failures:
        monkeypatch.setattr(runs, name, failing_at_first(name))
    with make_stage(Puppet(repeatable=repeatable), worker_timeout=1.1) as stage:
        run = stage.ended(stage.start())
        assert (failures, run.state) == ({"complete": 0, "fail": 0}, state)
        assert stage.balance == GRANT - (PRICE_MICROS if state == "completed" else 0)


def test_a_claim_whose_answer_was_lost_is_picked_up(
    make_stage: MakeStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost: list[str] = []
    original = runs.claim

    def committed_but_unheard(tx: Transaction, worker_id: str, count: int, **options: Any) -> list[runs.Run]:
        claimed = original(tx, worker_id, count, **options)
        if claimed and not lost:
            lost.extend(run.run_id for run in claimed)
            return []
        return claimed

    monkeypatch.setattr(runs, "claim", committed_but_unheard)
    with make_stage(Puppet(), worker_timeout=1.1) as stage:
        run = stage.ended(stage.start())
        assert lost == [run.run_id]
        assert (run.state, run.attempts) == ("completed", 2)


@dataclass
class Recorded:
    """A workflow as DBOS has recorded it, and whether it was resumed."""

    status: str
    executor_id: str
    resumed: bool = False

    def get_workflow_status(self, _run_id: str) -> "Recorded | None":
        return self if self.status else None

    def resume_workflow(self, _run_id: str) -> None:
        self.resumed = True


@pytest.mark.parametrize(
    ("name", "status", "executor", "outcome"),
    [
        (DEAD, "", "", "requeued"),
        (DEAD, "PENDING", DEAD, "resumed"),
        (DEAD, "PENDING", ALIVE, "left"),  # dequeued it, and is about to put its name on the run
        (DEAD, "PENDING", ME, "left"),
        (DEAD, "ENQUEUED", DEAD, "left"),
        (DEAD, "ERROR", DEAD, "failed"),
        (ME, "", "", "requeued"),
        (ME, "PENDING", ME, "left"),  # its thread may only be slow to begin
        (ME, "PENDING", ALIVE, "left"),
        (ME, "PENDING", DEAD, "resumed"),  # dequeued it, and died before its name was on the run
        (ME, "ENQUEUED", ME, "left"),
        (ME, "SUCCESS", ME, "failed"),
    ],
)
def test_what_is_done_about_a_run_in_nobodys_hands(
    make_stage: MakeStage,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    status: str,
    executor: str,
    outcome: str,
) -> None:
    recorded = Recorded(status, executor)
    monkeypatch.setattr(_watch, "DBOS", recorded)
    with make_stage(Puppet(repeatable=False), workers=False) as stage:
        run_id = stage.start()
        claim(stage, name, 1)
        enter(stage, ALIVE, seconds_ago=1)
        one = watch(stage, ME, [])
        for _ in range(2):
            one._once()
        run = stage.run(run_id)
        seen = {
            (False, "pending"): "requeued",
            (True, "running"): "resumed",
            (False, "running"): "left",
            (False, "failed"): "failed",
        }[recorded.resumed, run.state]
        assert seen == outcome
        assert (run.worker_id, run.attempts) == {
            "requeued": (None, 1),
            "resumed": (ME, 2),
            "left": (name, 1),
            "failed": (ME, 2),
        }[outcome]
        assert stage.balance == GRANT - (0 if outcome == "failed" else PRICE_MICROS)
