"""Dead workers' runs, and runs that a living worker lost sight of."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from support.puppet import Gate, Puppet
from support.stage import GRANT_USD, PRICE_MICROS, MakeStage, Stage
from terrarium_server import runs
from terrarium_server.execution import workers
from terrarium_server.execution._lease import Lease
from terrarium_server.store import Transaction

GRANT = round(GRANT_USD * 1_000_000)
DEAD, ALIVE = "wrk_dead", "wrk_alive"
SHORT = 1.1


def enter(stage: Stage, worker_id: str, *, lease_seconds: float) -> None:
    """Enter a worker whose lease ends so many seconds from now."""
    with stage.house.database.transaction() as tx:
        row = {"worker_id": worker_id, "machine": "elsewhere", "engines": "rehearsal", "started_at": 0}
        until = tx.clock + round(lease_seconds * 1000)
        tx.execute(sa.insert(workers).values(**row, lease_until=until))


def claim(stage: Stage, worker_id: str, count: int) -> list[str]:
    """Let a worker claim what it will never execute."""
    with stage.house.database.transaction() as tx:
        return [run.run_id for run in runs.claim(tx, worker_id, count, {"rehearsal": count})]


@contextmanager
def made_by_others(make_stage: MakeStage, puppet: Puppet, **settings: Any) -> Iterator[Stage]:
    """A house whose worker is started by the test, once others have claimed something."""
    with make_stage(puppet, workers=False, worker_timeout=SHORT, **settings) as stage:
        yield stage


def test_a_dead_workers_runs_are_made_by_another_and_a_living_ones_are_not(make_stage: MakeStage) -> None:
    puppet = Puppet()
    with made_by_others(make_stage, puppet) as stage:
        started = [stage.start() for _ in range(6)]
        enter(stage, DEAD, lease_seconds=-5)
        enter(stage, ALIVE, lease_seconds=3600)
        orphans, kept = claim(stage, DEAD, 3), claim(stage, ALIVE, 2)
        stage.house.start_workers()
        if stage.house.database.is_sqlite:
            # Its lock says that nobody else can be alive.
            orphans, kept = orphans + kept, []
        for run_id in set(started) - set(kept):
            run = stage.ended(run_id)
            assert (run.state, run.attempts) == ("completed", 1 if run_id in orphans else 0)
        assert {(stage.run(run_id).state, stage.run(run_id).worker_id) for run_id in kept} <= {
            ("running", ALIVE)
        }
        assert stage.balance == GRANT - len(started) * PRICE_MICROS


@pytest.mark.parametrize("repeatable", [True, False])
def test_what_a_worker_has_is_not_taken_from_it(make_stage: MakeStage, repeatable: bool) -> None:
    gate = Gate()
    engine = Puppet(gate, repeatable=repeatable)
    with make_stage(engine, worker_timeout=SHORT) as stage:
        run_id = stage.start()
        stage.wait_until(lambda: bool(engine.submitted), "the run should be under way")
        renewals = count_renewals(stage)
        stage.wait_until(lambda: next(renewals) > 4, "the lease should be renewed")
        run = stage.run(run_id)
        assert (run.state, run.attempts, run.claim) == ("running", 0, 1)
        gate.open_for(1)
        assert stage.ended(run_id).state == "completed"
        assert engine.runs == [run_id]


def count_renewals(stage: Stage) -> Iterator[int]:
    """How often the lease of the house's worker was seen to change."""
    seen: set[object] = set()
    while True:
        with stage.house.database.transaction() as tx:
            row = tx.execute(sa.select(workers.c.lease_until)).one()
        # SQLite's worker has its lease for ever: there every look counts.
        seen.add(len(seen) if stage.house.database.is_sqlite else row[0])
        yield len(seen)


@pytest.mark.parametrize("repeatable", [True, False])
def test_a_run_whose_end_cannot_be_written_for_a_while_still_ends(
    make_stage: MakeStage, monkeypatch: pytest.MonkeyPatch, repeatable: bool
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
    engine = Puppet(repeatable=repeatable)
    with make_stage(engine, worker_timeout=SHORT) as stage:
        run = stage.ended(stage.start())
        # Neither end could be written; the run was found again, and what was paid for is asked for once more.
        assert (run.state, run.attempts) == ("completed", 0)
        assert len(engine.submitted) == (2 if repeatable else 1)
        assert stage.balance == GRANT - PRICE_MICROS


def test_a_claim_whose_answer_was_lost_is_picked_up(
    make_stage: MakeStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost: list[str] = []
    original = runs.claim

    def committed_but_unheard(tx: Transaction, *args: Any) -> list[runs.Run]:
        claimed = original(tx, *args)
        if claimed and not lost:
            lost.extend(run.run_id for run in claimed)
            return []
        return claimed

    monkeypatch.setattr(runs, "claim", committed_but_unheard)
    with make_stage(Puppet(), worker_timeout=SHORT) as stage:
        run = stage.ended(stage.start())
        assert lost == [run.run_id]
        assert (run.state, run.claim, run.attempts) == ("completed", 2, 0)


def test_a_job_that_others_can_follow_is_followed_and_not_submitted_again(make_stage: MakeStage) -> None:
    gate = Gate()
    puppet = Puppet(gate, repeatable=False)
    with make_stage(puppet, worker_timeout=SHORT) as stage:
        run_id = stage.start()
        stage.wait_until(lambda: stage.submission(run_id) is not None, "not submitted")
        stage.wait_until(lambda: stage.submission(run_id).state == "open", "no ticket")
        # The name of another one, whom nobody knows.
        with stage.house.database.transaction() as tx:
            tx.execute(sa.update(runs.runs).values(worker_id=DEAD, claim=7))
        stage.wait_until(lambda: stage.run(run_id).claim == 8, "not taken over")
        gate.open_for(2)
        run = stage.ended(run_id)
        assert (run.state, run.attempts, puppet.runs) == ("completed", 1, [run_id])
        assert puppet.cancelled == []
        assert stage.balance == GRANT - PRICE_MICROS


def test_what_one_engine_has_in_hand_is_never_asked_of_another(make_stage: MakeStage, tmp_path: Path) -> None:
    """Its model cannot be used any more when the run is taken up, and the owner has named a second one."""

    class Leaving(Puppet):
        gone = False

        def problem(self, job_options: Mapping[str, Any]) -> str | None:
            return "its key was taken away" if self.gone else None

    config = tmp_path / "second.toml"
    config.write_text('[fallback]\n"t2t-rehearsal" = "t2t-elsewhere"\n')
    gate, spare = Gate(), Puppet()
    first, spare.name = Leaving(gate, repeatable=False), "spare"
    with make_stage(first, spare, worker_timeout=SHORT, config=config) as stage:
        run_id = stage.start()
        stage.wait_until(lambda: bool(first.submitted), "not submitted")
        stage.wait_until(lambda: stage.submission(run_id).state == "open", "no ticket")
        first.gone = True
        with stage.house.database.transaction() as tx:
            tx.execute(sa.update(runs.runs).values(worker_id=DEAD, claim=7))
        stage.wait_until(lambda: stage.run(run_id).claim == 8, "not taken over")
        gate.open_for(2)
        run = stage.ended(run_id)
        assert (run.state, run.model, first.runs, spare.runs) == ("completed", "t2t-rehearsal", [run_id], [])


def test_a_lease_is_held_as_long_as_the_database_gave_it_and_no_longer(make_stage: MakeStage) -> None:
    now = [100.0]
    with make_stage(Puppet(), workers=False) as stage:
        lease = Lease(
            stage.house.database,
            "wrk_me",
            machine="here",
            engines="rehearsal",
            seconds=10,
            alone=False,
            is_current=lambda tx: True,
            clock=lambda: now[0],
        )
        assert not lease.is_held
        lease.renew()
        # The others may have been cut off as well: they get the time to say that they are there.
        assert (lease.is_held, lease.may_take_over) == (True, False)
        now[0] += 9.9
        lease.renew()
        now[0] += 0.2
        assert (lease.is_held, lease.may_take_over) == (True, True)
        now[0] += 10
        assert (lease.is_held, lease.may_take_over) == (False, False)
        lease.renew()
        assert (lease.is_held, lease.may_take_over) == (True, False)
        lease.leave()
        assert not lease.is_held
