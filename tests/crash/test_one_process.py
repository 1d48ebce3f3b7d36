"""SQLite: one process does everything, is killed at a step, and is started again."""

from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from crash.books import check_at_any_moment, check_at_the_end
from crash.conftest import MakeWorld
from crash.provider import Provider
from crash.steps import BETWEEN, CARRYING, MODELS, told_at_once
from crash.world import Caller


def kill_and_start_again(make_world: MakeWorld, provider: Provider, model: str, step: str) -> str:
    """Let the process that carries a run die at ``step``; return the run once a new process has made it."""
    with make_world(provider) as world:
        account = world.account()
        killed = world.serve(crash=step, gated=True)
        with world.shut_gate(), Caller(killed, account) as caller:
            run_id = caller.started(model)
        killed.wait_until_it_killed_itself()
        check_at_any_moment(world, account)

        with Caller(world.serve(), account) as caller:
            assert caller.ended(run_id)["status"] == "completed"
            assert [run["run_id"] for run in check_at_the_end(world, caller)] == [run_id]
    return run_id


Stories = dict[str, Future[tuple[Provider, str]]]


@pytest.fixture(scope="module", params=MODELS)
def engine(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def stories(sqlite_world: MakeWorld, engine: str) -> Iterator[Stories]:
    def tell(step: str) -> tuple[Provider, str]:
        provider = Provider(suppresses_duplicates=engine == "free")
        return provider, kill_and_start_again(sqlite_world, provider, MODELS[engine], step)

    with told_at_once(CARRYING, tell) as told:
        yield told


@pytest.mark.parametrize("step", CARRYING)
def test_a_run_goes_on_and_a_recorded_ticket_is_not_bought_again(
    stories: Stories, engine: str, step: str
) -> None:
    provider, run_id = stories[step].result()
    assert provider.made == {run_id: 2 if (engine, step) == ("paid", BETWEEN) else 1}


def test_a_provider_that_suppresses_duplicates_makes_an_unrecorded_job_once(sqlite_world: MakeWorld) -> None:
    provider = Provider(suppresses_duplicates=True)
    run_id = kill_and_start_again(sqlite_world, provider, MODELS["paid"], BETWEEN)
    assert provider.submissions == {run_id: 2}
    assert provider.made == {run_id: 1}
