"""PostgreSQL: one of two workers is killed at a step and stays away; the other one takes its run over."""

from functools import partial

import pytest

from crash.books import check_at_any_moment, check_at_the_end
from crash.provider import Provider
from crash.steps import CARRYING, MODELS, times_made
from crash.stories import MakeWorld, Stories, Told
from crash.world import Caller

STORIES = Stories()

# On a repeatable engine nothing is noted in between, so these are all the different cases there are.
_CASES = [
    *(case for case in CARRYING if case.startswith("paid: ")),
    "free: after runs.claim 1",
    "free: after engine.submit 1",
    "free: after assets.keep 1",
    "free: inside settlement.complete 1",
    "free: after settlement.complete 1",
]


def kill_one_of_two(make_world: MakeWorld, *, case: str) -> None:
    """Let the worker that carries a run die at a step; the other one makes it and pays nothing twice."""
    engine, step = case.split(": ")
    provider = Provider(suppresses_duplicates=False)
    with make_world(provider) as world:
        account = world.account()
        with Caller(world.serve("--no-workers"), account) as caller:
            with world.shut_gate():
                world.worker(gated=True)
                killed = world.worker(at=step)
                run_id = caller.started(MODELS[engine])
                killed.wait_until_it_killed_itself()
            check_at_any_moment(world, account)
            assert caller.ended(run_id)["status"] == "completed"
            assert [run["run_id"] for run in check_at_the_end(world, caller)] == [run_id]
    assert provider.made[run_id] in times_made(case)


for _case in _CASES:
    STORIES.add(_case, partial(kill_one_of_two, case=_case), "postgres")


@pytest.mark.parametrize("case", STORIES.cases)
def test_the_survivor_carries_on(told: Told, case: str) -> None:
    told[case].result()
