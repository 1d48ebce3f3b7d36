"""Who claims how much, and when."""

from typing import Any

import pytest

from support.puppet import Gate, Puppet, answers
from support.stage import MakeStage, Stage
from terrarium_server.workflows import _dispatcher


def states(stage: Stage) -> dict[str, int]:
    found = [run.state for run in stage.all_runs()]
    return {state: found.count(state) for state in set(found)}


@pytest.mark.parametrize("repeatable", [True, False])
def test_a_worker_claims_no_more_than_it_has_threads_for(make_stage: MakeStage, repeatable: bool) -> None:
    gate = Gate()
    engine = Puppet(gate, repeatable=repeatable)
    with make_stage(engine, worker_threads=3) as stage:
        started = [stage.start() for _ in range(8)]
        stage.wait_until(lambda: len(engine.submitted) == 3, "three runs should be under way")
        assert states(stage) == {"running": 3, "pending": 5}
        gate.open_for(2)
        stage.wait_until(lambda: len(engine.submitted) == 5, "a free thread should take the next run")
        stage.wait_until(lambda: states(stage)["completed"] == 2, "two runs should have ended")
        assert states(stage) == {"completed": 2, "running": 3, "pending": 3}
        gate.open_for(6)
        assert {stage.ended(run_id).state for run_id in started} == {"completed"}
        # The oldest first.
        assert sorted(engine.submitted[:3]) == sorted(started)[:3]


@pytest.mark.parametrize("repeatable", [True, False])
def test_many_runs_on_few_threads_are_each_made_once(make_stage: MakeStage, repeatable: bool) -> None:
    engine = Puppet(repeatable=repeatable)
    with make_stage(engine, worker_threads=4) as stage:
        started = [stage.start(prompt=f"fern {number}") for number in range(60)]
        assert {stage.ended(run_id).state for run_id in started} == {"completed"}
        assert sorted(engine.submitted) == sorted(started)


def test_a_run_of_this_process_rings_and_is_not_waited_for(
    make_stage: MakeStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Longer than the test's patience: without the bell nothing would come of the run.
    monkeypatch.setattr(_dispatcher, "_POLL_SECONDS", 1000.0)
    with make_stage(Puppet(), worker_threads=1) as stage:
        for _ in range(3):
            assert stage.ended(stage.start()).state == "completed"


def test_a_run_that_another_process_admitted_is_found_without_a_bell(make_stage: MakeStage) -> None:
    with make_stage(Puppet(), workers=False) as stage:
        run_id = stage.start()
        stage.house.start_workers()
        assert stage.ended(run_id).state == "completed"


def test_claiming_goes_on_after_the_database_failed(
    make_stage: MakeStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([OSError("no space left")] * 2)
    claim = _dispatcher.runs.claim

    def sometimes(*args: Any, **options: Any) -> object:
        for failure in failures:
            raise failure
        return claim(*args, **options)

    monkeypatch.setattr(_dispatcher.runs, "claim", sometimes)
    with make_stage(Puppet()) as stage:
        assert stage.ended(stage.start()).state == "completed"
    assert next(failures, None) is None


def test_an_engine_gets_no_more_than_its_owner_allows_and_others_go_on(make_stage: MakeStage) -> None:
    gate = Gate()
    puppet = Puppet(lambda job: gate(job) if job.model_id == "t2t-rehearsal" else answers(job))
    with make_stage(puppet) as stage:
        stage.house.engines.limits["rehearsal"] = 2
        slow = [stage.start() for _ in range(4)]
        stage.wait_until(lambda: len(puppet.submitted) == 2, "two were not begun")
        assert sorted(run.state for run in stage.all_runs()) == ["pending", "pending", "running", "running"]
        gate.open_for(4)
        assert [stage.ended(run_id).state for run_id in slow] == ["completed"] * 4
        assert sorted(puppet.submitted) == sorted(slow)
        assert {run.attempts for run in stage.all_runs()} == {1}
