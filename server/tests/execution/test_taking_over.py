"""Taking over runs of dead workers, and runs that a live worker has dropped."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from support.scripted_engine import Gate, ScriptedEngine
from support.workspace import GRANT_USD, PRICE_MICROS, OpenWorkspace, Workspace
from terrarium_server import runs
from terrarium_server.execution import workers
from terrarium_server.execution._lease import Lease
from terrarium_server.store import Transaction

GRANT = round(GRANT_USD * 1_000_000)
DEAD, ALIVE = "wrk_dead", "wrk_alive"
SHORT = 1.1


def add_worker(workspace: Workspace, worker_id: str, *, lease_seconds: float) -> None:
    """Insert a worker whose lease ends so many seconds from now."""
    with workspace.services.database.transaction() as tx:
        row = {"worker_id": worker_id, "machine": "elsewhere", "engines": "rehearsal", "started_at": 0}
        until = tx.clock + round(lease_seconds * 1000)
        tx.execute(sa.insert(workers).values(**row, lease_until=until))


def claim(workspace: Workspace, worker_id: str, count: int) -> list[str]:
    """Claim runs for a worker that will never execute them."""
    with workspace.services.database.transaction() as tx:
        return [run.run_id for run in runs.claim(tx, worker_id, count, {"rehearsal": count})]


@contextmanager
def made_by_others(
    open_workspace: OpenWorkspace, engine: ScriptedEngine, **settings: Any
) -> Iterator[Workspace]:
    """Open services whose worker the test starts once others have claimed runs."""
    with open_workspace(engine, workers=False, worker_timeout=SHORT, **settings) as workspace:
        yield workspace


def test_a_dead_workers_runs_are_made_by_another_and_a_living_ones_are_not(
    open_workspace: OpenWorkspace,
) -> None:
    engine = ScriptedEngine()
    with made_by_others(open_workspace, engine) as workspace:
        started = [workspace.start() for _ in range(6)]
        add_worker(workspace, DEAD, lease_seconds=-5)
        add_worker(workspace, ALIVE, lease_seconds=3600)
        orphans, kept = claim(workspace, DEAD, 3), claim(workspace, ALIVE, 2)
        workspace.services.start_workers()
        if workspace.services.database.is_sqlite:
            # The file's lock proves that no other worker is alive.
            orphans, kept = orphans + kept, []
        for run_id in set(started) - set(kept):
            run = workspace.ended(run_id)
            assert (run.state, run.attempts) == ("completed", 1 if run_id in orphans else 0)
        assert {(workspace.run(run_id).state, workspace.run(run_id).worker_id) for run_id in kept} <= {
            ("running", ALIVE)
        }
        assert workspace.balance == GRANT - len(started) * PRICE_MICROS


@pytest.mark.parametrize("repeatable", [True, False])
def test_a_live_worker_keeps_its_runs(open_workspace: OpenWorkspace, repeatable: bool) -> None:
    gate = Gate()
    engine = ScriptedEngine(gate, repeatable=repeatable)
    with open_workspace(engine, worker_timeout=SHORT) as workspace:
        run_id = workspace.start()
        workspace.wait_until(lambda: bool(engine.submitted), "the run should be under way")
        renewals = count_renewals(workspace)
        workspace.wait_until(lambda: next(renewals) > 4, "the lease should be renewed")
        run = workspace.run(run_id)
        assert (run.state, run.attempts, run.claim) == ("running", 0, 1)
        gate.open_for(1)
        assert workspace.ended(run_id).state == "completed"
        assert engine.runs == [run_id]


def count_renewals(workspace: Workspace) -> Iterator[int]:
    """Yield how often the lease of the services' worker has changed."""
    ends: set[object] = set()
    while True:
        with workspace.services.database.transaction() as tx:
            row = tx.execute(sa.select(workers.c.lease_until)).one()
        # The lease of SQLite's worker never changes, so each query counts.
        ends.add(len(ends) if workspace.services.database.is_sqlite else row[0])
        yield len(ends)


@pytest.mark.parametrize("repeatable", [True, False])
def test_a_run_whose_end_cannot_be_written_for_a_while_still_ends(
    open_workspace: OpenWorkspace, monkeypatch: pytest.MonkeyPatch, repeatable: bool
) -> None:
    failures = iter([OSError("the connection is gone")] * 2)
    complete, fail = runs.complete, runs.fail

    def completing(*args: Any) -> object:
        for failure in failures:
            raise failure
        return complete(*args)

    def failing(*args: Any) -> object:
        for failure in failures:
            raise failure
        return fail(*args)

    monkeypatch.setattr(runs, "complete", completing)
    monkeypatch.setattr(runs, "fail", failing)
    engine = ScriptedEngine(repeatable=repeatable)
    with open_workspace(engine, worker_timeout=SHORT) as workspace:
        run = workspace.ended(workspace.start())
        # Neither end could be written; the run was claimed again, and its paid job was followed again.
        assert (run.state, run.attempts) == ("completed", 0)
        assert len(engine.submitted) == (2 if repeatable else 1)
        assert workspace.balance == GRANT - PRICE_MICROS


def test_a_claim_whose_answer_was_lost_is_picked_up(
    open_workspace: OpenWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost: list[str] = []
    original = runs.claim

    def committed_but_lost(tx: Transaction, *args: Any) -> list[runs.Run]:
        claimed = original(tx, *args)
        if claimed and not lost:
            lost.extend(run.run_id for run in claimed)
            return []
        return claimed

    monkeypatch.setattr(runs, "claim", committed_but_lost)
    with open_workspace(ScriptedEngine(), worker_timeout=SHORT) as workspace:
        run = workspace.ended(workspace.start())
        assert lost == [run.run_id]
        assert (run.state, run.claim, run.attempts) == ("completed", 2, 0)


def test_a_job_that_others_can_follow_is_followed_and_not_submitted_again(
    open_workspace: OpenWorkspace,
) -> None:
    gate = Gate()
    engine = ScriptedEngine(gate, repeatable=False)
    with open_workspace(engine, worker_timeout=SHORT) as workspace:
        run_id = workspace.start()
        workspace.wait_until(lambda: workspace.submission(run_id) is not None, "not submitted")
        workspace.wait_until(lambda: workspace.submission(run_id).state == "open", "no ticket")
        # The id of a worker that does not exist.
        with workspace.services.database.transaction() as tx:
            tx.execute(sa.update(runs.runs).values(worker_id=DEAD, claim=7))
        workspace.wait_until(lambda: workspace.run(run_id).claim == 8, "not taken over")
        gate.open_for(2)
        run = workspace.ended(run_id)
        assert (run.state, run.attempts, engine.runs) == ("completed", 1, [run_id])
        assert engine.cancelled == []
        assert workspace.balance == GRANT - PRICE_MICROS


def test_a_live_job_of_one_engine_is_never_submitted_to_another(
    open_workspace: OpenWorkspace, tmp_path: Path
) -> None:
    """The model is not usable any more when the run is taken over, and the owner has a fallback for it."""

    class Leaving(ScriptedEngine):
        gone = False

        def problem(self, job_options: Mapping[str, Any]) -> str | None:
            return "its key was taken away" if self.gone else None

    config = tmp_path / "second.toml"
    config.write_text('[fallback]\n"t2t-rehearsal" = "t2t-elsewhere"\n')
    gate, spare = Gate(), ScriptedEngine()
    first, spare.name = Leaving(gate, repeatable=False), "spare"
    with open_workspace(first, spare, worker_timeout=SHORT, config=config) as workspace:
        run_id = workspace.start()
        workspace.wait_until(lambda: bool(first.submitted), "not submitted")
        workspace.wait_until(lambda: workspace.submission(run_id).state == "open", "no ticket")
        first.gone = True
        with workspace.services.database.transaction() as tx:
            tx.execute(sa.update(runs.runs).values(worker_id=DEAD, claim=7))
        workspace.wait_until(lambda: workspace.run(run_id).claim == 8, "not taken over")
        gate.open_for(2)
        run = workspace.ended(run_id)
        assert (run.state, run.model, first.runs, spare.runs) == ("completed", "t2t-rehearsal", [run_id], [])


def test_a_lease_is_held_as_long_as_the_database_gave_it_and_no_longer(open_workspace: OpenWorkspace) -> None:
    now = [100.0]
    with open_workspace(ScriptedEngine(), workers=False) as workspace:
        lease = Lease(
            workspace.services.database,
            "wrk_me",
            machine="here",
            engines="rehearsal",
            seconds=10,
            single_process=False,
            is_current=lambda tx: True,
            clock=lambda: now[0],
        )
        assert not lease.is_held
        lease.renew()
        # Other workers may have been cut off as well, so they get the time to renew first.
        assert (lease.is_held, lease.may_take_over) == (True, False)
        now[0] += 9.9
        lease.renew()
        now[0] += 0.2
        assert (lease.is_held, lease.may_take_over) == (True, True)
        now[0] += 10
        assert (lease.is_held, lease.may_take_over) == (False, False)
        lease.renew()
        assert (lease.is_held, lease.may_take_over) == (True, False)
        lease.release()
        assert not lease.is_held


def test_the_log_says_whose_run_was_abandoned(
    open_workspace: OpenWorkspace, caplog: pytest.LogCaptureFixture
) -> None:
    with made_by_others(open_workspace, ScriptedEngine()) as workspace:
        for _ in range(2):
            workspace.start()
        returned, dead = claim(workspace, DEAD, 2)
        with workspace.services.database.transaction() as tx:
            # As a worker leaves a run that another one shall continue.
            tx.execute(sa.update(runs.runs).where(runs.runs.c.run_id == returned).values(worker_id=None))
        workspace.services.start_workers()
        for run_id in (returned, dead):
            assert workspace.ended(run_id).state == "completed"
    assert f"run {returned} (it had no worker) is back in the queue" in caplog.messages
    assert f"run {dead} of worker {DEAD} is back in the queue" in caplog.messages


def test_runs_that_wait_for_a_busy_engine_wait_as_long_as_it_takes(
    open_workspace: OpenWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Instead of ten minutes and one.
    monkeypatch.setattr("terrarium_server.execution._abandoned._UNSERVED_SECONDS", 1.0)
    monkeypatch.setattr("terrarium_server.execution._worker._CHORES_SECONDS", 0.1)
    monkeypatch.setattr("terrarium_server.execution._worker._FIRST_CHORES_SECONDS", 0.1)
    gate = Gate()
    with open_workspace(ScriptedEngine(gate), worker_timeout=SHORT, worker_runs=1) as workspace:
        started = [workspace.start() for _ in range(3)]
        enough = time.monotonic() + 3 * SHORT
        workspace.wait_until(lambda: time.monotonic() > enough, "the lease of the start should be over")
        assert [workspace.run(run_id).state for run_id in started] == ["running", "pending", "pending"]
        gate.open_for(3)
        assert {workspace.ended(run_id).state for run_id in started} == {"completed"}
