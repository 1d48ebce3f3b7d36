"""How an engine's answer becomes the end of a run, and what happens to its hold."""

import pytest

from support.puppet import Puppet
from support.records import pending_run
from support.stage import GRANT_USD, PRICE_MICROS, MakeStage
from terrarium_server import accounts, ledger, runs
from terrarium_server.engines import Job, Ticket
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
    def submit(self, job: Job) -> Ticket:
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
            runs.record(tx, pending_run("run_before", model_id="t2t-sketch", held_micros=1000, **ids))
        stage.house.ring()
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

        def submit(self, job: Job) -> Ticket:
            ticket = super().submit(job)
            return ticket if self.submitted.count(job.key) > 1 else Ticket("forgotten")

    for repeatable, state, submissions in ((True, "completed", 2), (False, "failed", 1)):
        engine = Forgetful(repeatable=repeatable)
        with make_stage(engine) as stage:
            run = stage.ended(stage.start())
            assert (run.state, engine.submitted) == (state, [run.run_id] * submissions)
