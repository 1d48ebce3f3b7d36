"""A process is killed while it admits a run: the run is there whole, or nothing of it is."""

import asyncio

import httpx
import pytest
import sqlalchemy as sa

from crash.books import check_at_any_moment, check_at_the_end
from crash.provider import Provider
from crash.steps import MODELS
from crash.stories import MakeWorld, Stories, Told
from crash.world import Caller, Process, World
from support.server import DEADLINE, Account
from terrarium_server.admission import idempotency_keys
from terrarium_server.ledger import entries

STORIES = Stories()


def admitting(world: World, at: str = "") -> Process:
    """A process that admits runs; on PostgreSQL it does nothing else."""
    return world.serve(*([] if world.database.is_sqlite else ["--no-workers"]), at=at)


def carrying(world: World) -> None:
    """What is admitted is carried out; on SQLite the process that admits does that."""
    if not world.database.is_sqlite:
        world.worker()


@STORIES.on("sqlite", "postgres")
def nothing_is_left_of_a_run_that_was_not_committed(make_world: MakeWorld) -> None:
    with make_world(Provider()) as world:
        account = world.account()
        killed = admitting(world, at="inside admission.admit 1")
        with Caller(killed, account) as caller, pytest.raises(httpx.TransportError):
            caller.start(MODELS["free"], key="once")
        killed.wait_until_it_killed_itself()
        check_at_any_moment(world, account)
        with world.database.transaction() as tx:
            assert tx.execute(sa.select(sa.func.count()).select_from(idempotency_keys)).scalar_one() == 0

        carrying(world)
        with Caller(admitting(world), account) as caller:
            answer = caller.start(MODELS["free"], key="once")
            assert answer.status_code == 201
            run_id = answer.json()["run_id"]
            assert caller.ended(run_id)["status"] == "completed"
            assert [run["run_id"] for run in check_at_the_end(world, caller)] == [run_id]


@STORIES.on("sqlite", "postgres")
def a_committed_run_is_carried_out_though_nobody_was_told(make_world: MakeWorld) -> None:
    with make_world(Provider()) as world:
        account = world.account()
        killed = admitting(world, at="after admission.admit 1")
        with Caller(killed, account) as caller, pytest.raises(httpx.TransportError):
            caller.start(MODELS["free"], key="once")
        killed.wait_until_it_killed_itself()
        check_at_any_moment(world, account)

        carrying(world)
        with Caller(admitting(world), account) as caller:
            answer = caller.start(MODELS["free"], key="once")
            assert answer.status_code == 409
            run_id = answer.headers["location"].rpartition("/")[2]
            assert caller.ended(run_id)["status"] == "completed"
            assert [run["run_id"] for run in check_at_the_end(world, caller)] == [run_id]
        assert world.provider.made == {run_id: 1}


async def _send_at_once(servers: list[Process], account: Account, count: int) -> list[httpx.Response]:
    """Send the same start ``count`` times at the same time, in turn to each of the servers."""
    limits = httpx.Limits(max_connections=None)
    headers = {"authorization": f"Bearer {account.api_key}", "idempotency-key": "the same"}
    ids = {"workspace_id": account.workspace_id, "project_id": account.project_id}
    body = {**ids, "type": "image", "prompt": "again", "model": MODELS["free"]}
    async with httpx.AsyncClient(limits=limits, headers=headers, timeout=DEADLINE, trust_env=False) as client:
        urls = [f"{servers[index % len(servers)].base_url}/api/v1/generate" for index in range(count)]
        return await asyncio.gather(*(client.post(url, json=body) for url in urls))


@STORIES.on("sqlite", "postgres")
def two_hundred_duplicates_at_once_make_one_run(make_world: MakeWorld) -> None:
    with make_world(Provider()) as world:
        account = world.account()
        servers = [admitting(world)]
        if not world.database.is_sqlite:
            servers.append(admitting(world))
        carrying(world)
        answers = asyncio.run(_send_at_once(servers, account, 200))

        started = [answer for answer in answers if answer.status_code == 201]
        refused = [answer for answer in answers if answer.status_code == 409]
        assert (len(started), len(refused)) == (1, 199)
        run_id = started[0].json()["run_id"]
        assert {answer.headers["location"].rpartition("/")[2] for answer in refused} == {run_id}
        with Caller(servers[0], account) as caller:
            assert caller.ended(run_id)["status"] == "completed"
            assert [run["run_id"] for run in check_at_the_end(world, caller)] == [run_id]
        with world.database.transaction() as tx:
            holds = sa.select(sa.func.count()).select_from(entries).where(entries.c.kind == "hold")
            assert tx.execute(holds).scalar_one() == 1
        assert world.provider.made == {run_id: 1}


@pytest.mark.parametrize("case", STORIES.cases)
def test_admission(told: Told, case: str) -> None:
    told[case].result()
