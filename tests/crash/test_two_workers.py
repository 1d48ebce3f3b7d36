"""PostgreSQL: one of two workers is killed at a step and stays away; the other one takes its run over."""

from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from crash.books import check_at_any_moment, check_at_the_end
from crash.conftest import MakeWorld
from crash.provider import Provider
from crash.steps import BETWEEN, CARRYING, MODELS, told_at_once
from crash.world import Caller

# On a repeatable engine nothing is recorded in between, so these are all the different cases there are.
_CARRYING_FREE = ["after runs.claim 1", "after engine.submit 1", "after assets.keep 1", "after canvas.land 1"]
_CASES = [f"paid: {step}" for step in CARRYING] + [f"free: {step}" for step in _CARRYING_FREE]

Stories = dict[str, Future[tuple[Provider, str]]]


def kill_one_of_two(make_world: MakeWorld, provider: Provider, model: str, step: str) -> str:
    """Let the worker that carries a run die at ``step``; return the run once the other one has made it."""
    with make_world(provider) as world:
        account = world.account()
        with Caller(world.serve("--no-workers"), account) as caller:
            with world.shut_gate():
                world.worker(gated=True)
                killed = world.worker(crash=step)
                run_id = caller.started(model)
                killed.wait_until_it_killed_itself()
            check_at_any_moment(world, account)
            assert caller.ended(run_id)["status"] == "completed"
            assert [run["run_id"] for run in check_at_the_end(world, caller)] == [run_id]
    return run_id


@pytest.fixture(scope="module")
def stories(postgres_world: MakeWorld) -> Iterator[Stories]:
    def tell(case: str) -> tuple[Provider, str]:
        engine, step = case.split(": ")
        provider = Provider(suppresses_duplicates=False)
        return provider, kill_one_of_two(postgres_world, provider, MODELS[engine], step)

    with told_at_once(_CASES, tell) as told:
        yield told


@pytest.mark.parametrize("case", _CASES)
def test_the_survivor_carries_on(stories: Stories, case: str) -> None:
    provider, run_id = stories[case].result()
    engine, step = case.split(": ")
    # A run that is over is nobody's any more; and only what was not written down is asked for again.
    done_again = step in (BETWEEN, "after assets.keep 1") if engine == "free" else step == BETWEEN
    assert provider.made == {run_id: 2 if done_again else 1}
