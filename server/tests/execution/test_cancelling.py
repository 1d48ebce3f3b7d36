"""A cancelled run costs nothing, whenever it is cancelled, and its engine stops."""

from collections.abc import AsyncIterator

import pytest

from support.scripted_engine import Gate, ScriptedEngine, echo
from support.workspace import GRANT_USD, PRICE_MICROS, OpenWorkspace
from terrarium_server.engines import Job, News, Output, Progress

GRANT = round(GRANT_USD * 1_000_000)


def test_a_pending_run_is_cancelled_and_never_begun(open_workspace: OpenWorkspace) -> None:
    engine = ScriptedEngine()
    with open_workspace(engine, workers=False) as workspace:
        run_id = workspace.start()
        run = workspace.cancel(run_id)
        assert (run.state, run.error_code, run.cost_micros) == ("failed", "GENERATION_CANCELLED", 0)
        assert workspace.cancel(run_id) == run
        assert workspace.balance == GRANT
        workspace.services.start_workers()
        workspace.ended(workspace.start())
        assert run_id not in engine.runs


@pytest.mark.parametrize("repeatable", [True, False])
def test_a_running_run_is_cancelled_and_so_is_its_job(
    open_workspace: OpenWorkspace, repeatable: bool
) -> None:
    engine = ScriptedEngine(Gate(), repeatable=repeatable)
    with open_workspace(engine) as workspace:
        run_id = workspace.start()
        workspace.wait_until(lambda: engine.runs == [run_id], "not submitted")
        assert workspace.cancel(run_id).error_code == "GENERATION_CANCELLED"
        assert workspace.balance == GRANT
        workspace.wait_until(lambda: engine.stopped == [run_id], "the job was not cancelled")
        assert not repeatable or workspace.submission(run_id) is None
        workspace.wait_until(
            lambda: repeatable or workspace.submission(run_id).state == "cancelled", "still open"
        )


def test_a_worker_notices_an_end_that_another_process_wrote(open_workspace: OpenWorkspace) -> None:
    engine = ScriptedEngine(Gate(), repeatable=False)
    with open_workspace(engine, worker_timeout=1.1) as workspace:
        run_id = workspace.start()
        workspace.wait_until(lambda: engine.runs == [run_id], "not submitted")
        workspace.cancel(run_id, notify=False)
        workspace.wait_until(lambda: engine.stopped == [run_id], "the job was not cancelled")


def test_a_run_that_is_over_stays_as_it_is(open_workspace: OpenWorkspace) -> None:
    with open_workspace(ScriptedEngine()) as workspace:
        done = workspace.ended(workspace.start())
        assert workspace.cancel(done.run_id) == done
        assert workspace.balance == GRANT - PRICE_MICROS


def test_a_job_that_ends_after_its_run_was_cancelled_is_not_stored_or_charged(
    open_workspace: OpenWorkspace,
) -> None:
    async def made_after_all(job: Job) -> AsyncIterator[News]:
        workspace.cancel(job.key.partition(".")[0], notify=False)
        async for news in echo(job):
            yield news

    with open_workspace(ScriptedEngine(made_after_all)) as workspace:
        run = workspace.ended(workspace.start())
        assert run.error_code == "GENERATION_CANCELLED"
        workspace.ended(workspace.start())
        assert workspace.balance == GRANT


def test_a_preview_is_shown_while_a_run_is_running_and_not_after(open_workspace: OpenWorkspace) -> None:
    gate = Gate()

    async def tells(job: Job) -> AsyncIterator[News]:
        yield Progress(0.5, Output("text/plain", "so far"))
        async for news in gate(job):
            yield news

    with open_workspace(ScriptedEngine(tells)) as workspace:
        run_id = workspace.start()
        workspace.wait_until(lambda: workspace.run(run_id).preview == "so far", "no preview")
        gate.open_for(1)
        done = workspace.ended(run_id)
        assert (done.state, done.progress) == ("completed", 100)
