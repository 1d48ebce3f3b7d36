"""How an engine's answer becomes the end of a run, and what happens to its hold."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import pytest

from support.records import pending_run, queue
from support.scripted_engine import ScriptedEngine, echo
from support.workspace import GRANT_USD, PRICE_MICROS, OpenWorkspace
from terrarium_server import accounts, assets, ledger
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
from terrarium_server.engines.rehearsal.engine import RehearsalEngine
from terrarium_server.problems import InvalidInput
from terrarium_server.rates import Rate

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


class Broken(ScriptedEngine):
    async def submit(self, job: Job, mark: Mark) -> Ticket:
        raise ConnectionResetError("the provider closed the connection: secret-token-1")


@pytest.mark.parametrize("engine", [RehearsalEngine, PaidRehearsal])
def test_every_failure_has_its_code_and_releases_the_hold(
    open_workspace: OpenWorkspace, engine: type[RehearsalEngine]
) -> None:
    with open_workspace(engine()) as workspace:
        started = {outcome: workspace.start(outcome=outcome) for outcome in CODES}
        for outcome, run_id in started.items():
            run = workspace.ended(run_id)
            assert (run.state, run.error_code, run.cost_micros) == ("failed", CODES[outcome], 0)
            assert run.error_message
        assert workspace.balance == GRANT
        good = workspace.ended(workspace.start())
        assert (good.state, good.cost_micros) == ("completed", PRICE_MICROS)
        assert workspace.balance == GRANT - PRICE_MICROS


@pytest.mark.parametrize("repeatable", [True, False])
def test_an_internal_failure_is_a_server_error_without_details(
    open_workspace: OpenWorkspace, repeatable: bool
) -> None:
    with open_workspace(Broken(repeatable=repeatable)) as workspace:
        run = workspace.ended(workspace.start())
        assert (run.state, run.error_code) == ("failed", "SERVER_ERROR")
        assert run.error_message and "secret-token-1" not in run.error_message
        assert workspace.balance == GRANT


def test_a_model_without_its_engine_is_refused_and_earlier_runs_fail(
    open_workspace: OpenWorkspace,
) -> None:
    # These services have no sketch engine, although the installed cards name it.
    with open_workspace(ScriptedEngine()) as workspace:
        with pytest.raises(InvalidInput, match="no engine named sketch is set up"):
            workspace.start("t2t-sketch")
        with workspace.services.database.transaction() as tx:
            ledger.hold(tx, workspace.account.workspace_id, "run_before", 1000, Rate(1_000_000))
            ids = {"workspace_id": workspace.account.workspace_id, "project_id": workspace.account.project_id}
            # As if its card had named another engine when it was admitted.
            queue(tx, pending_run("run_before", subject="t2t-sketch", held_micros=1000, **ids))
        run = workspace.ended("run_before")
        assert (run.state, run.error_code) == ("failed", "GENERATION_ENDPOINT_NOT_FOUND")
        assert run.error_message and "GET /models" in run.error_message
        assert workspace.balance == GRANT


@pytest.mark.parametrize(("outcome", "spent"), [("failed", 0), ("completed", PRICE_MICROS)])
def test_only_completed_runs_count_against_a_keys_cap(
    open_workspace: OpenWorkspace, outcome: str, spent: int
) -> None:
    with open_workspace(RehearsalEngine("rehearsal")) as workspace:
        with workspace.services.database.transaction() as tx:
            workspace_id = workspace.account.workspace_id
            key = accounts.create_key(tx, workspace_id, spending_cap_micros=PRICE_MICROS)
        workspace.ended(workspace.with_key(key.api_key).start(outcome=outcome))
        with workspace.services.database.transaction() as tx:
            spent_by_key = {
                record.key_id: record.spent_micros for record in accounts.list_keys(tx, workspace_id)
            }
        assert spent_by_key[key.key_id] == spent


def test_a_lost_job_is_made_again_only_where_that_costs_nothing(open_workspace: OpenWorkspace) -> None:
    class Forgetful(ScriptedEngine):
        """Knows no ticket of a first submission."""

        async def follow(self, ticket: Ticket) -> AsyncGenerator[News]:
            if len(self.submitted) == 1:
                yield Lost()
                return
            async for news in super().follow(ticket):
                yield news

    for repeatable, state, submissions in ((True, "completed", 2), (False, "failed", 1)):
        engine = Forgetful(repeatable=repeatable)
        with open_workspace(engine) as workspace:
            run = workspace.ended(workspace.start())
            assert (run.state, engine.runs) == (state, [run.run_id] * submissions)


def test_a_job_without_progress_for_too_long_is_cancelled(open_workspace: OpenWorkspace) -> None:
    async def falls_silent(job: Job) -> AsyncIterator[News]:
        yield Progress(0.5)
        await asyncio.sleep(3600)

    engine = ScriptedEngine(falls_silent, repeatable=False)
    engine.longest_silence = 0.2
    with open_workspace(engine) as workspace:
        run = workspace.ended(workspace.start())
        assert (run.state, run.error_code) == ("failed", "GENERATION_PROVIDER_TIMEOUT")
        workspace.wait_until(lambda: engine.stopped == [run.run_id], "the job was not cancelled")
        assert workspace.balance == GRANT


def test_a_file_that_an_engine_made_is_moved_and_not_copied(
    open_workspace: OpenWorkspace, tmp_path: Path
) -> None:
    made = tmp_path / "made.png"
    made.write_bytes(b"\x89PNG" + bytes(3_000_000))
    inode = made.stat().st_ino

    async def hands_out(job: Job) -> AsyncIterator[News]:
        yield Finished((Output("image/png", made, 8, 8),))

    with open_workspace(ScriptedEngine(hands_out)) as workspace:
        run_id = workspace.start("i2i-rehearsal", type="image")
        assert workspace.ended(run_id).state == "completed"
        with workspace.services.database.transaction() as tx:
            [kept] = assets.outputs_of(tx, [run_id])[run_id]
        assert kept.medium is not None and kept.medium.size_bytes == 3_000_004
        assert (tmp_path / "media" / kept.medium.blob).stat().st_ino == inode
        assert not made.exists()


class Busy(ScriptedEngine):
    """Refuses the first jobs, like a busy provider."""

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
def test_a_busy_provider_is_tried_again_after_its_delay(
    open_workspace: OpenWorkspace, times: int, state: str, repeatable: bool
) -> None:
    with open_workspace(Busy(times, repeatable=repeatable)) as workspace:
        run = workspace.ended(workspace.start())
        assert (run.state, run.attempts, run.claim) == (state, 0, 3)


def test_a_job_that_fails_because_the_provider_is_busy_is_tried_again(open_workspace: OpenWorkspace) -> None:
    async def busy_at_first(job: Job) -> AsyncIterator[News]:
        if len(engine.submitted) == 1:
            yield Failed("GENERATION_QUEUE_TOO_LARGE", "busy", retry_after=0.01)
        async for news in echo(job):
            yield news

    engine = ScriptedEngine(busy_at_first, repeatable=False)
    with open_workspace(engine) as workspace:
        run = workspace.ended(workspace.start())
        assert (run.state, engine.submitted) == ("completed", [f"{run.run_id}.1", f"{run.run_id}.2"])


def test_a_run_that_a_busy_provider_refused_waits_without_a_worker(open_workspace: OpenWorkspace) -> None:
    class Full(ScriptedEngine):
        async def prepare(self, job: Job) -> Mark:
            raise Refused("GENERATION_QUEUE_TOO_LARGE", "busy", retry_after=300)

    with open_workspace(Full(repeatable=False)) as workspace:
        run_id = workspace.start()
        workspace.wait_until(lambda: workspace.run(run_id).due_at is not None, "not postponed")
        run = workspace.run(run_id)
        assert (run.state, run.worker_id, run.started_at, run.progress) == ("pending", None, None, 0)
        assert workspace.cancel(run_id).error_code == "GENERATION_CANCELLED"


def test_the_fallback_model_is_used_if_the_first_fails(open_workspace: OpenWorkspace, tmp_path: Path) -> None:
    config = tmp_path / "second.toml"
    config.write_text('[fallback]\n"t2t-rehearsal" = "t2t-spare"\n')

    async def play(job: Job) -> AsyncIterator[News]:
        if job.model_id == "t2t-spare" and "hopeless" not in job.prompt:
            async for news in echo(job):
                yield news
        elif job.model_id == "t2t-spare":
            yield Failed("GENERATION_GENERIC_ERROR", "the second one could not either")
        elif "forbidden" in job.prompt:
            yield Failed("GENERATION_PROMPT_MODERATED", "no")
        else:
            yield Failed("GENERATION_DOWNSTREAM_SERVICE_ERROR", "down")

    with open_workspace(ScriptedEngine(play, repeatable=False), config=config) as workspace:
        made = workspace.ended(workspace.start())
        assert (made.state, made.subject, made.model) == ("completed", "t2t-rehearsal", "t2t-spare")
        # The fallback model is not used for an error that the caller has to correct.
        assert (
            workspace.ended(workspace.start(prompt="forbidden")).error_code == "GENERATION_PROMPT_MODERATED"
        )
        hopeless = workspace.ended(workspace.start(prompt="hopeless"))
        assert (hopeless.error_code, hopeless.error_message) == (
            "GENERATION_DOWNSTREAM_SERVICE_ERROR",
            "down",
        )
        # Nor is a prompt sent to it that is too long for it.
        long = workspace.ended(workspace.start(prompt="x" * 1001))
        assert (long.state, long.error_message) == ("failed", "down")
        assert workspace.balance == GRANT - PRICE_MICROS
