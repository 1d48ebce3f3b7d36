"""A process is killed while it admits a run: the run is admitted completely, or not at all."""

import asyncio

import httpx
import pytest
import sqlalchemy as sa

from crash.checks import check_final_state, check_invariants
from crash.deployment import Caller, Deployment, Process
from crash.provider import Provider
from crash.scenarios import MakeDeployment, Results, Scenarios
from crash.steps import MODELS
from support.server import DEADLINE, Account
from terrarium_server.idempotency import idempotency_keys
from terrarium_server.ledger import entries

SCENARIOS = Scenarios()


def admitting(deployment: Deployment, at: str = "") -> Process:
    """Start a process that admits runs; on PostgreSQL it does nothing else."""
    return deployment.serve(*([] if deployment.database.is_sqlite else ["--no-workers"]), at=at)


def start_executing(deployment: Deployment) -> None:
    """Start a process that executes runs; on SQLite the process that admits them does."""
    if not deployment.database.is_sqlite:
        deployment.worker()


@SCENARIOS.on("sqlite", "postgres")
def nothing_is_left_of_a_run_that_was_not_committed(make_deployment: MakeDeployment) -> None:
    with make_deployment(Provider()) as deployment:
        account = deployment.account()
        killed = admitting(deployment, at="inside admission.admit 1")
        with Caller(killed, account) as caller, pytest.raises(httpx.TransportError):
            caller.start(MODELS["free"], key="once")
        killed.wait_until_it_killed_itself()
        check_invariants(deployment, account)
        with deployment.database.transaction() as tx:
            assert tx.execute(sa.select(sa.func.count()).select_from(idempotency_keys)).scalar_one() == 0

        start_executing(deployment)
        with Caller(admitting(deployment), account) as caller:
            answer = caller.start(MODELS["free"], key="once")
            assert answer.status_code == 201
            run_id = answer.json()["run_id"]
            assert caller.ended(run_id)["status"] == "completed"
            assert [run["run_id"] for run in check_final_state(deployment, caller)] == [run_id]


@SCENARIOS.on("sqlite", "postgres")
def a_committed_run_is_executed_although_no_worker_was_notified(make_deployment: MakeDeployment) -> None:
    with make_deployment(Provider()) as deployment:
        account = deployment.account()
        killed = admitting(deployment, at="after admission.admit 1")
        with Caller(killed, account) as caller, pytest.raises(httpx.TransportError):
            caller.start(MODELS["free"], key="once")
        killed.wait_until_it_killed_itself()
        check_invariants(deployment, account)

        start_executing(deployment)
        with Caller(admitting(deployment), account) as caller:
            answer = caller.start(MODELS["free"], key="once")
            assert answer.status_code == 409
            run_id = answer.headers["location"].rpartition("/")[2]
            assert caller.ended(run_id)["status"] == "completed"
            assert [run["run_id"] for run in check_final_state(deployment, caller)] == [run_id]
        assert deployment.provider.made == {run_id: 1}


async def _send_at_once(servers: list[Process], account: Account, count: int) -> list[httpx.Response]:
    """Send the same start ``count`` times at the same time, in turn to each of the servers."""
    limits = httpx.Limits(max_connections=None)
    headers = {"authorization": f"Bearer {account.api_key}", "idempotency-key": "the same"}
    ids = {"workspace_id": account.workspace_id, "project_id": account.project_id}
    body = {**ids, "type": "image", "prompt": "again", "model": MODELS["free"]}
    async with httpx.AsyncClient(limits=limits, headers=headers, timeout=DEADLINE, trust_env=False) as client:
        urls = [f"{servers[index % len(servers)].base_url}/api/v1/generate" for index in range(count)]
        return await asyncio.gather(*(client.post(url, json=body) for url in urls))


@SCENARIOS.on("sqlite", "postgres")
def two_hundred_duplicates_at_once_make_one_run(make_deployment: MakeDeployment) -> None:
    with make_deployment(Provider()) as deployment:
        account = deployment.account()
        servers = [admitting(deployment)]
        if not deployment.database.is_sqlite:
            servers.append(admitting(deployment))
        start_executing(deployment)
        answers = asyncio.run(_send_at_once(servers, account, 200))

        started = [answer for answer in answers if answer.status_code == 201]
        refused = [answer for answer in answers if answer.status_code == 409]
        assert (len(started), len(refused)) == (1, 199)
        run_id = started[0].json()["run_id"]
        assert {answer.headers["location"].rpartition("/")[2] for answer in refused} == {run_id}
        with Caller(servers[0], account) as caller:
            assert caller.ended(run_id)["status"] == "completed"
            assert [run["run_id"] for run in check_final_state(deployment, caller)] == [run_id]
        with deployment.database.transaction() as tx:
            holds = sa.select(sa.func.count()).select_from(entries).where(entries.c.kind == "hold")
            assert tx.execute(holds).scalar_one() == 1
        assert deployment.provider.made == {run_id: 1}


@pytest.mark.parametrize("case", SCENARIOS.cases)
def test_admission(results: Results, case: str) -> None:
    results[case].result()
