"""How an engine's answer becomes the end of a run, and what happens to its hold."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import pytest

from support.puppet import Puppet, answers
from support.records import pending_run
from support.stage import GRANT_USD, PRICE_MICROS, MakeStage
from terrarium_server import accounts, assets, ledger, runs
from terrarium_server.engines import (
    Failed,
    Finished,
    Job,
    Lost,
    Mark,
    News,
    Output,
    Progress,
    Refused,
    Ticket,
)
from terrarium_server.engines.rehearsal import RehearsalEngine
from terrarium_server.problems import InvalidInput

GRANT = round(GRANT_USD * 1_000_000)
CODES = {
    "moderated": "GENERATION_PROMPT_MODERATED",
    "failed": "GENERATION_GENERIC_ERROR",
    "busy": "GENERATION_QUEUE_TOO_LARGE",
    "refused": "GENERATION_INVALID_PARAMS",
    "lost": "GENERATION_NO_RESULT",
}


class PaidRehearsal(RehearsalEngine):
    repeatable = False


class Broken(Puppet):
    async def submit(self, job: Job, mark: Mark) -> Ticket:
        raise ConnectionResetError("the provider hung up: secret-token-1")


@pytest.mark.parametrize("engine", [RehearsalEngine, PaidRehearsal])
def test_every_failure_has_its_code_and_releases_the_hold(
    make_stage: MakeStage, engine: type[RehearsalEngine]
) -> None:
    with make_stage(engine()) as stage:
        started = {outcome: stage.start(outcome=outcome) for outcome in CODES}
        for outcome, run_id in started.items():
            run = stage.ended(run_id)
            assert (run.state, run.error_code, run.cost_micros) == ("failed", CODES[outcome], 0)
            assert run.error_message
        assert stage.balance == GRANT
        good = stage.ended(stage.start())
        assert (good.state, good.cost_micros) == ("completed", PRICE_MICROS)
        assert stage.balance == GRANT - PRICE_MICROS


@pytest.mark.parametrize("repeatable", [True, False])
def test_what_breaks_inside_is_a_server_error_that_tells_nothing(
    make_stage: MakeStage, repeatable: bool
) -> None:
    with make_stage(Broken(repeatable=repeatable)) as stage:
        run = stage.ended(stage.start())
        assert (run.state, run.error_code) == ("failed", "SERVER_ERROR")
        assert run.error_message and "secret-token-1" not in run.error_message
        assert stage.balance == GRANT


def test_a_model_without_its_engine_is_refused_and_fails_what_was_admitted_before(
    make_stage: MakeStage,
) -> None:
    # The house has no sketch engine, though the shipped cards name it.
    with make_stage(Puppet()) as stage:
        with pytest.raises(InvalidInput, match="no engine named sketch is set up"):
            stage.start("t2t-sketch")
        with stage.house.database.transaction() as tx:
            ledger.hold(tx, stage.account.workspace_id, "run_before", 1000)
            ids = {"workspace_id": stage.account.workspace_id, "project_id": stage.account.project_id}
            # Its card names another engine by now.
            runs.record(tx, pending_run("run_before", subject="t2t-sketch", held_micros=1000, **ids))
        stage.house.wake()
        run = stage.ended("run_before")
        assert (run.state, run.error_code) == ("failed", "GENERATION_ENDPOINT_NOT_FOUND")
        assert run.error_message and "GET /models" in run.error_message
        assert stage.balance == GRANT


@pytest.mark.parametrize(("outcome", "spent"), [("failed", 0), ("completed", PRICE_MICROS)])
def test_only_what_was_made_counts_against_a_keys_cap(
    make_stage: MakeStage, outcome: str, spent: int
) -> None:
    with make_stage(RehearsalEngine("rehearsal")) as stage:
        with stage.house.database.transaction() as tx:
            workspace_id = stage.account.workspace_id
            key = accounts.create_key(tx, workspace_id, spending_cap_micros=PRICE_MICROS)
        stage.ended(stage.with_key(key.api_key).start(outcome=outcome))
        with stage.house.database.transaction() as tx:
            found = {record.key_id: record.spent_micros for record in accounts.list_keys(tx, workspace_id)}
        assert found[key.key_id] == spent


def test_a_lost_job_is_made_again_only_where_that_costs_nothing(make_stage: MakeStage) -> None:
    class Forgetful(Puppet):
        """Knows no ticket of a first submission."""

        async def follow(self, ticket: Ticket) -> AsyncGenerator[News]:
            if len(self.submitted) == 1:
                yield Lost()
                return
            async for news in super().follow(ticket):
                yield news

    for repeatable, state, submissions in ((True, "completed", 2), (False, "failed", 1)):
        engine = Forgetful(repeatable=repeatable)
        with make_stage(engine) as stage:
            run = stage.ended(stage.start())
            assert (run.state, engine.runs) == (state, [run.run_id] * submissions)


def test_an_engine_that_says_nothing_for_too_long_is_taken_for_hung(make_stage: MakeStage) -> None:
    async def falls_silent(job: Job) -> AsyncIterator[News]:
        yield Progress(0.5)
        await asyncio.sleep(3600)

    engine = Puppet(falls_silent, repeatable=False)
    engine.longest_silence = 0.2
    with make_stage(engine) as stage:
        run = stage.ended(stage.start())
        assert (run.state, run.error_code) == ("failed", "GENERATION_PROVIDER_TIMEOUT")
        stage.wait_until(lambda: engine.stopped == [run.run_id], "the engine was not told")
        assert stage.balance == GRANT


def test_a_file_that_an_engine_made_is_moved_and_not_copied(make_stage: MakeStage, tmp_path: Path) -> None:
    made = tmp_path / "made.png"
    made.write_bytes(b"\x89PNG" + bytes(3_000_000))
    inode = made.stat().st_ino

    async def hands_out(job: Job) -> AsyncIterator[News]:
        yield Finished((Output("image/png", made, 8, 8),))

    with make_stage(Puppet(hands_out)) as stage:
        run_id = stage.start("i2i-rehearsal", type="image")
        assert stage.ended(run_id).state == "completed"
        with stage.house.database.transaction() as tx:
            [kept] = assets.outputs_of(tx, [run_id])[run_id]
        assert kept.medium is not None and kept.medium.size_bytes == 3_000_004
        assert (tmp_path / "media" / kept.medium.blob).stat().st_ino == inode
        assert not made.exists()


class Busy(Puppet):
    """Refuses the first jobs as a provider that is busy."""

    def __init__(self, times: int, *, repeatable: bool) -> None:
        super().__init__(repeatable=repeatable)
        self.left = times

    async def submit(self, job: Job, mark: Mark) -> Ticket:
        if self.left:
            self.left -= 1
            raise Refused("GENERATION_QUEUE_TOO_LARGE", "busy", retry_after=0.01)
        return await super().submit(job, mark)


@pytest.mark.parametrize("repeatable", [True, False])
@pytest.mark.parametrize(("times", "state"), [(2, "completed"), (3, "failed")])
def test_a_busy_provider_is_asked_again_when_it_said_so(
    make_stage: MakeStage, times: int, state: str, repeatable: bool
) -> None:
    with make_stage(Busy(times, repeatable=repeatable)) as stage:
        run = stage.ended(stage.start())
        assert (run.state, run.attempts, run.claim) == (state, 0, 3)


def test_a_provider_may_say_only_to_the_call_itself_that_it_is_busy(make_stage: MakeStage) -> None:
    async def busy_at_first(job: Job) -> AsyncIterator[News]:
        if len(engine.submitted) == 1:
            yield Failed("GENERATION_QUEUE_TOO_LARGE", "busy", retry_after=0.01)
        async for news in answers(job):
            yield news

    engine = Puppet(busy_at_first, repeatable=False)
    with make_stage(engine) as stage:
        run = stage.ended(stage.start())
        assert (run.state, engine.submitted) == ("completed", [f"{run.run_id}.1", f"{run.run_id}.2"])


def test_a_run_that_a_busy_provider_sent_back_waits_without_a_worker(make_stage: MakeStage) -> None:
    class Full(Puppet):
        async def prepare(self, job: Job) -> Mark:
            raise Refused("GENERATION_QUEUE_TOO_LARGE", "busy", retry_after=300)

    with make_stage(Full(repeatable=False)) as stage:
        run_id = stage.start()
        stage.wait_until(lambda: stage.run(run_id).due_at is not None, "not sent back")
        run = stage.run(run_id)
        assert (run.state, run.worker_id, run.started_at, run.progress) == ("pending", None, None, 0)
        assert stage.cancel(run_id).error_code == "GENERATION_CANCELLED"


def test_another_model_makes_what_the_first_could_not(make_stage: MakeStage, tmp_path: Path) -> None:
    config = tmp_path / "second.toml"
    config.write_text('[fallback]\n"t2t-rehearsal" = "t2t-spare"\n')

    async def play(job: Job) -> AsyncIterator[News]:
        if job.model_id == "t2t-spare" and "hopeless" not in job.prompt:
            async for news in answers(job):
                yield news
        elif job.model_id == "t2t-spare":
            yield Failed("GENERATION_GENERIC_ERROR", "the second one could not either")
        elif "forbidden" in job.prompt:
            yield Failed("GENERATION_PROMPT_MODERATED", "no")
        else:
            yield Failed("GENERATION_DOWNSTREAM_SERVICE_ERROR", "down")

    with make_stage(Puppet(play, repeatable=False), config=config) as stage:
        made = stage.ended(stage.start())
        assert (made.state, made.subject, made.model) == ("completed", "t2t-rehearsal", "t2t-spare")
        # What the caller has to change, another model would not take either.
        assert stage.ended(stage.start(prompt="forbidden")).error_code == "GENERATION_PROMPT_MODERATED"
        hopeless = stage.ended(stage.start(prompt="hopeless"))
        assert (hopeless.error_code, hopeless.error_message) == (
            "GENERATION_DOWNSTREAM_SERVICE_ERROR",
            "down",
        )
        assert stage.balance == GRANT - PRICE_MICROS
