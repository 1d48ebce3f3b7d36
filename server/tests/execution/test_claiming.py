"""How many runs a worker claims, and when."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from support.scripted_engine import Gate, ScriptedEngine, echo
from support.workspace import OpenWorkspace, Workspace
from terrarium_server import runs
from terrarium_server.engines import Job, News, Progress
from terrarium_server.execution import _worker


def states(workspace: Workspace) -> dict[str, int]:
    return dict(Counter(run.state for run in workspace.all_runs()))


@pytest.mark.parametrize("repeatable", [True, False])
def test_a_worker_has_no_more_runs_than_its_owner_allows(
    open_workspace: OpenWorkspace, repeatable: bool
) -> None:
    gate = Gate()
    engine = ScriptedEngine(gate, repeatable=repeatable)
    with open_workspace(engine, worker_runs=3) as workspace:
        started = [workspace.start() for _ in range(8)]
        workspace.wait_until(lambda: len(engine.submitted) == 3, "three runs should be under way")
        assert states(workspace) == {"running": 3, "pending": 5}
        gate.open_for(2)
        workspace.wait_until(lambda: len(engine.submitted) == 5, "two more should have begun")
        workspace.wait_until(lambda: states(workspace)["completed"] == 2, "two runs should have ended")
        assert states(workspace) == {"completed": 2, "running": 3, "pending": 3}
        gate.open_for(6)
        assert {workspace.ended(run_id).state for run_id in started} == {"completed"}
        # The oldest first.
        assert sorted(engine.runs[:3]) == sorted(started)[:3]


@pytest.mark.parametrize("repeatable", [True, False])
def test_many_runs_at_once_are_each_executed_once(open_workspace: OpenWorkspace, repeatable: bool) -> None:
    engine = ScriptedEngine(repeatable=repeatable)
    with open_workspace(engine, worker_runs=4) as workspace:
        started = [workspace.start(prompt=f"fern {number}") for number in range(60)]
        assert {workspace.ended(run_id).state for run_id in started} == {"completed"}
        assert sorted(engine.runs) == sorted(started)


def test_hundreds_of_runs_that_wait_for_a_provider_stop_nothing_else(open_workspace: OpenWorkspace) -> None:
    gate = Gate()

    async def play(job: Job) -> AsyncIterator[News]:
        if job.prompt == "slow":
            while not gate.permits:
                yield Progress(0.1)
                await asyncio.sleep(0.5)
        async for news in echo(job):
            yield news

    with open_workspace(ScriptedEngine(play, repeatable=False)) as workspace:
        slow = [workspace.start("t2t-spare", prompt="slow") for _ in range(300)]
        workspace.wait_until(
            lambda: states(workspace).get("running") == len(slow), "all should wait together"
        )
        assert workspace.ended(workspace.start(prompt="quick")).state == "completed"
        assert states(workspace) == {"running": len(slow), "completed": 1}
        gate.open_for(1)
        assert {workspace.ended(run_id).state for run_id in slow} == {"completed"}


def test_a_run_that_this_process_admits_wakes_its_worker(
    open_workspace: OpenWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Longer than the test's deadline, so that only a wake-up can start the run.
    monkeypatch.setattr(_worker, "_POLL_SECONDS", 1000.0)
    with open_workspace(ScriptedEngine(), worker_runs=1) as workspace:
        for _ in range(3):
            assert workspace.ended(workspace.start()).state == "completed"


@pytest.mark.parametrize("migrated_url", ["postgres"], indirect=True)
def test_a_run_that_another_process_admits_wakes_this_ones_worker(
    open_workspace: OpenWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_worker, "_POLL_SECONDS", 1000.0)
    with open_workspace(ScriptedEngine(), worker_runs=1) as workspace:
        other = workspace.of_another_process()
        for _ in range(3):
            assert workspace.ended(other.start()).state == "completed"
        other.services.close()


@pytest.mark.parametrize(
    ("film_engine", "film_model"), [("rehearsal", "t2t-rehearsal"), ("spare", "t2t-elsewhere")]
)
def test_a_long_backlog_lets_another_workspaces_run_start_next(
    open_workspace: OpenWorkspace, film_engine: str, film_model: str
) -> None:
    gate = Gate()
    films, texts = ScriptedEngine(gate), ScriptedEngine(gate)
    films.name = film_engine
    engines = {texts.name: texts, films.name: films}
    with open_workspace(*engines.values(), worker_runs=2) as workspace:
        for _ in range(50):
            workspace.start(film_model)
        workspace.wait_until(lambda: len(films.submitted) == 2, "no film has begun")
        text = workspace.of_another_workspace().start()
        gate.open_for(1)
        workspace.wait_until(lambda: workspace.run(text).state == "running", "the text was not begun")
        assert states(workspace) == {"pending": 48, "running": 1, "completed": 1}
        gate.open_for(51)
        assert workspace.ended(text).state == "completed"


def test_claiming_continues_after_a_failure_of_the_database(
    open_workspace: OpenWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([OSError("no space left")] * 2)
    claim = runs.claim

    def sometimes(*args: Any) -> object:
        for failure in failures:
            raise failure
        return claim(*args)

    monkeypatch.setattr(runs, "claim", sometimes)
    with open_workspace(ScriptedEngine()) as workspace:
        assert workspace.ended(workspace.start()).state == "completed"
    assert next(failures, None) is None


def test_an_engine_gets_no_more_than_its_owner_allows_and_does_not_block_others(
    open_workspace: OpenWorkspace,
) -> None:
    gate = Gate()
    full, other = ScriptedEngine(gate), ScriptedEngine()
    other.name = "spare"
    with open_workspace(full, other, workers=False) as workspace:
        # Before the worker's first claim, which may take long.
        workspace.services.engines.limits["rehearsal"] = 2
        workspace.services.start_workers()
        slow = [workspace.start() for _ in range(40)]
        workspace.wait_until(lambda: len(full.submitted) == 2, "two were not begun")
        assert workspace.ended(workspace.start("t2t-elsewhere")).state == "completed"
        assert states(workspace) == {"pending": 38, "running": 2, "completed": 1}
        gate.open_for(40)
        assert {workspace.ended(run_id).state for run_id in slow} == {"completed"}
        assert sorted(full.runs) == sorted(slow)
        assert {(run.claim, run.attempts) for run in workspace.all_runs()} == {(1, 0)}


@pytest.mark.parametrize("migrated_url", ["postgres"], indirect=True)
def test_all_workers_share_the_limit_of_an_engine_that_calls_another_server(
    open_workspace: OpenWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So that capacity which another worker leaves is only found if this one hears of it.
    monkeypatch.setattr(_worker, "_POLL_SECONDS", 1000.0)
    gate = Gate()
    engine = ScriptedEngine(gate, repeatable=False)
    with open_workspace(engine, workers=False, worker_runs=1) as workspace:
        others = [workspace.of_another_process() for _ in range(3)]
        for one in others:
            one.services.engines.limits["rehearsal"] = 2
            one.services.start_workers()
        started = [workspace.start() for _ in range(8)]
        for ended in range(8):
            begun = min(8, ended + 2)
            workspace.wait_until(lambda begun=begun: len(engine.submitted) == begun, "no other was begun")
            assert states(workspace).get("running", 0) <= 2
            gate.open_for(1)
        assert {workspace.ended(run_id).state for run_id in started} == {"completed"}
        assert sorted(engine.runs) == sorted(started)
        for one in others:
            one.services.close()
