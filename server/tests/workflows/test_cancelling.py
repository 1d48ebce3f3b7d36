"""A cancelled run costs nothing, whenever it is cancelled, and its engine stops."""

from collections.abc import Iterator

import pytest

from support.puppet import Gate, Puppet, answers
from support.stage import GRANT_USD, PRICE_MICROS, MakeStage
from terrarium_server.engines import Failed, Job, Look, Output, Refused, Waiting

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
        assert run_id not in puppet.submitted


@pytest.mark.parametrize("repeatable", [True, False])
def test_a_running_run_is_cancelled_and_its_engine_told(make_stage: MakeStage, repeatable: bool) -> None:
    puppet = Puppet(Gate(), repeatable=repeatable)
    with make_stage(puppet) as stage:
        run_id = stage.start()
        stage.wait_until(lambda: puppet.submitted == [run_id], "not submitted")
        assert stage.cancel(run_id).error_code == "GENERATION_CANCELLED"
        assert stage.balance == GRANT
        stage.wait_until(lambda: puppet.cancelled == [run_id], "the engine was not told")


def test_a_run_that_is_over_stays_as_it_is(make_stage: MakeStage) -> None:
    with make_stage(Puppet()) as stage:
        done = stage.ended(stage.start())
        assert stage.cancel(done.run_id) == done
        assert stage.balance == GRANT - PRICE_MICROS


def test_what_is_made_in_the_last_moment_is_not_kept_or_charged(make_stage: MakeStage) -> None:
    def made_after_all(job: Job) -> Iterator[Look]:
        stage.cancel(job.key)
        yield from answers(job)

    with make_stage(Puppet(made_after_all)) as stage:
        run = stage.ended(stage.start())
        assert run.error_code == "GENERATION_CANCELLED"
        stage.ended(stage.start())
        assert stage.balance == GRANT


def test_a_preview_is_shown_while_a_run_works_and_not_after(make_stage: MakeStage) -> None:
    def tells(job: Job) -> Iterator[Look]:
        while "over" not in seen:
            yield Waiting(0.5, Output("text/plain", "so far"))
        yield from answers(job)

    seen: list[str] = []
    with make_stage(Puppet(tells)) as stage:
        run_id = stage.start()
        stage.wait_until(lambda: stage.run(run_id).preview == "so far", "no preview")
        seen.append("over")
        assert stage.ended(run_id).preview is None


class Busy(Puppet):
    """Refuses the first jobs as a provider that is busy."""

    def __init__(self, times: int) -> None:
        super().__init__(repeatable=False)
        self.left = times

    def submit(self, job: Job):
        if self.left:
            self.left -= 1
            raise Refused("GENERATION_QUEUE_TOO_LARGE", "busy", retry_after=0.01)
        return super().submit(job)


@pytest.mark.parametrize(("times", "state"), [(2, "completed"), (3, "failed")])
def test_a_busy_provider_is_asked_again_when_it_said_so(
    make_stage: MakeStage, times: int, state: str
) -> None:
    with make_stage(Busy(times)) as stage:
        assert stage.ended(stage.start()).state == state


def test_another_model_makes_what_the_first_could_not(make_stage: MakeStage, tmp_path) -> None:
    config = tmp_path / "second.toml"
    config.write_text('[fallback]\n"t2t-rehearsal" = "t2t-spare"\n')

    def play(job: Job) -> Iterator[Look]:
        if job.model_id == "t2t-spare":
            yield from answers(job)
        elif "forbidden" in job.prompt:
            yield Failed("GENERATION_PROMPT_MODERATED", "no")
        else:
            yield Failed("GENERATION_DOWNSTREAM_SERVICE_ERROR", "down")

    with make_stage(Puppet(play, repeatable=False), config=config) as stage:
        assert stage.ended(stage.start()).state == "completed"
        # What the caller has to change, another model would not take either.
        assert stage.ended(stage.start(prompt="forbidden")).error_code == "GENERATION_PROMPT_MODERATED"
