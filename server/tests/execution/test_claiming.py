"""Who claims how much, and when."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from support.puppet import Gate, Puppet, answers
from support.stage import MakeStage, Stage
from terrarium_server import runs
from terrarium_server.engines import Job, News, Progress
from terrarium_server.execution import _worker


def states(stage: Stage) -> dict[str, int]:
    found = [run.state for run in stage.all_runs()]
    return {state: found.count(state) for state in set(found)}


@pytest.mark.parametrize("repeatable", [True, False])
def test_a_worker_has_no_more_runs_than_its_owner_allows(make_stage: MakeStage, repeatable: bool) -> None:
    gate = Gate()
    engine = Puppet(gate, repeatable=repeatable)
    with make_stage(engine, worker_runs=3) as stage:
        started = [stage.start() for _ in range(8)]
        stage.wait_until(lambda: len(engine.submitted) == 3, "three runs should be under way")
        assert states(stage) == {"running": 3, "pending": 5}
        gate.open_for(2)
        stage.wait_until(lambda: len(engine.submitted) == 5, "two more should have begun")
        stage.wait_until(lambda: states(stage)["completed"] == 2, "two runs should have ended")
        assert states(stage) == {"completed": 2, "running": 3, "pending": 3}
        gate.open_for(6)
        assert {stage.ended(run_id).state for run_id in started} == {"completed"}
        # The oldest first.
        assert sorted(engine.runs[:3]) == sorted(started)[:3]


@pytest.mark.parametrize("repeatable", [True, False])
def test_many_runs_at_once_are_each_made_once(make_stage: MakeStage, repeatable: bool) -> None:
    engine = Puppet(repeatable=repeatable)
    with make_stage(engine, worker_runs=4) as stage:
        started = [stage.start(prompt=f"fern {number}") for number in range(60)]
        assert {stage.ended(run_id).state for run_id in started} == {"completed"}
        assert sorted(engine.runs) == sorted(started)


def test_hundreds_of_runs_that_wait_for_a_provider_stop_nothing_else(make_stage: MakeStage) -> None:
    gate = Gate()

    async def play(job: Job) -> AsyncIterator[News]:
        if job.prompt == "slow":
            while not gate.permits:
                yield Progress(0.1)
                await asyncio.sleep(0.5)
        async for news in answers(job):
            yield news

    with make_stage(Puppet(play, repeatable=False)) as stage:
        slow = [stage.start("t2t-spare", prompt="slow") for _ in range(300)]
        stage.wait_until(lambda: states(stage).get("running") == len(slow), "all should wait together")
        assert stage.ended(stage.start(prompt="quick")).state == "completed"
        assert states(stage) == {"running": len(slow), "completed": 1}
        gate.open_for(1)
        assert {stage.ended(run_id).state for run_id in slow} == {"completed"}


def test_a_run_of_this_process_wakes_its_worker_and_is_not_waited_for(
    make_stage: MakeStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Longer than the test's patience: without being woken nothing would come of the run.
    monkeypatch.setattr(_worker, "_POLL_SECONDS", 1000.0)
    with make_stage(Puppet(), worker_runs=1) as stage:
        for _ in range(3):
            assert stage.ended(stage.start()).state == "completed"


def test_a_run_that_another_process_admitted_is_found(make_stage: MakeStage) -> None:
    with make_stage(Puppet(), workers=False) as stage:
        run_id = stage.start()
        stage.house.start_workers()
        assert stage.ended(run_id).state == "completed"


def test_claiming_goes_on_after_the_database_failed(
    make_stage: MakeStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([OSError("no space left")] * 2)
    claim = runs.claim

    def sometimes(*args: Any) -> object:
        for failure in failures:
            raise failure
        return claim(*args)

    monkeypatch.setattr(runs, "claim", sometimes)
    with make_stage(Puppet()) as stage:
        assert stage.ended(stage.start()).state == "completed"
    assert next(failures, None) is None


def test_an_engine_gets_no_more_than_its_owner_allows_and_others_go_on(make_stage: MakeStage) -> None:
    gate = Gate()
    full, other = Puppet(gate), Puppet()
    other.name = "spare"
    with make_stage(full, other) as stage:
        stage.house.engines.limits["rehearsal"] = 2
        slow = [stage.start() for _ in range(40)]
        stage.wait_until(lambda: len(full.submitted) == 2, "two were not begun")
        assert stage.ended(stage.start("t2t-elsewhere")).state == "completed"
        assert states(stage) == {"pending": 38, "running": 2, "completed": 1}
        gate.open_for(40)
        assert {stage.ended(run_id).state for run_id in slow} == {"completed"}
        assert sorted(full.runs) == sorted(slow)
        assert {(run.claim, run.attempts) for run in stage.all_runs()} == {(1, 0)}
