"""A cancelled run costs nothing, whenever it is cancelled, and its engine stops."""

from collections.abc import AsyncIterator

import pytest

from support.puppet import Gate, Puppet, answers
from support.stage import GRANT_USD, PRICE_MICROS, MakeStage
from terrarium_server.engines import Job, News, Output, Progress

GRANT = round(GRANT_USD * 1_000_000)


def test_a_pending_run_is_cancelled_and_never_begun(make_stage: MakeStage) -> None:
    puppet = Puppet()
    with make_stage(puppet, workers=False) as stage:
        run_id = stage.start()
        run = stage.cancel(run_id)
        assert (run.state, run.error_code, run.cost_micros) == ("failed", "GENERATION_CANCELLED", 0)
        assert stage.cancel(run_id) == run
        assert stage.balance == GRANT
        stage.house.start_workers()
        stage.ended(stage.start())
        assert run_id not in puppet.runs


@pytest.mark.parametrize("repeatable", [True, False])
def test_a_running_run_is_cancelled_and_its_engine_told(make_stage: MakeStage, repeatable: bool) -> None:
    puppet = Puppet(Gate(), repeatable=repeatable)
    with make_stage(puppet) as stage:
        run_id = stage.start()
        stage.wait_until(lambda: puppet.runs == [run_id], "not submitted")
        assert stage.cancel(run_id).error_code == "GENERATION_CANCELLED"
        assert stage.balance == GRANT
        stage.wait_until(lambda: puppet.stopped == [run_id], "the engine was not told")
        assert not repeatable or stage.submission(run_id) is None
        stage.wait_until(lambda: repeatable or stage.submission(run_id).state == "cancelled", "still open")


def test_a_worker_notices_an_end_that_another_process_wrote(make_stage: MakeStage) -> None:
    puppet = Puppet(Gate(), repeatable=False)
    with make_stage(puppet, worker_timeout=1.1) as stage:
        run_id = stage.start()
        stage.wait_until(lambda: puppet.runs == [run_id], "not submitted")
        stage.cancel(run_id, told=False)
        stage.wait_until(lambda: puppet.stopped == [run_id], "the engine was not told")


def test_a_run_that_is_over_stays_as_it_is(make_stage: MakeStage) -> None:
    with make_stage(Puppet()) as stage:
        done = stage.ended(stage.start())
        assert stage.cancel(done.run_id) == done
        assert stage.balance == GRANT - PRICE_MICROS


def test_what_is_made_in_the_last_moment_is_not_kept_or_charged(make_stage: MakeStage) -> None:
    async def made_after_all(job: Job) -> AsyncIterator[News]:
        stage.cancel(job.key.partition(".")[0], told=False)
        async for news in answers(job):
            yield news

    with make_stage(Puppet(made_after_all)) as stage:
        run = stage.ended(stage.start())
        assert run.error_code == "GENERATION_CANCELLED"
        stage.ended(stage.start())
        assert stage.balance == GRANT


def test_a_preview_is_shown_while_a_run_works_and_not_after(make_stage: MakeStage) -> None:
    gate = Gate()

    async def tells(job: Job) -> AsyncIterator[News]:
        yield Progress(0.5, Output("text/plain", "so far"))
        async for news in gate(job):
            yield news

    with make_stage(Puppet(tells)) as stage:
        run_id = stage.start()
        stage.wait_until(lambda: stage.run(run_id).preview == "so far", "no preview")
        gate.open_for(1)
        done = stage.ended(run_id)
        assert (done.state, done.progress) == ("completed", 100)
