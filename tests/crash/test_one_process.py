"""SQLite: one process does everything, is killed at a step, and is started again."""

from functools import partial

import pytest

from crash.books import check_at_any_moment, check_at_the_end
from crash.provider import Provider
from crash.steps import CARRYING, MODELS, OWN, times_made
from crash.stories import MakeWorld, Stories, Told
from crash.world import Caller

STORIES = Stories()

# How a run ends whose job only the killed process could follow.
_OWN = {
    "before engine.submit 1": "completed",
    "after engine.submit 1": "failed",
    "before engine.look 1": "failed",
    "inside settlement.complete 1": "failed",
    "after settlement.complete 1": "completed",
}


def kill_and_start_again(make_world: MakeWorld, *, case: str) -> None:
    """Let the process that carries a run die at a step; the next one makes it and pays nothing twice."""
    engine, step = case.split(": ")
    provider = Provider(suppresses_duplicates=False)
    with make_world(provider) as world:
        account = world.account()
        killed = world.serve(at=step, gated=True)
        with world.shut_gate(), Caller(killed, account) as caller:
            run_id = caller.started(MODELS[engine])
        killed.wait_until_it_killed_itself()
        check_at_any_moment(world, account)

        with Caller(world.serve(), account) as caller:
            assert caller.ended(run_id)["status"] == "completed"
            assert [run["run_id"] for run in check_at_the_end(world, caller)] == [run_id]
    assert provider.made[run_id] in times_made(case)


def kill_the_only_one_that_can_follow(make_world: MakeWorld, *, step: str) -> None:
    """Let the only process die that could wait for an answer: what was paid for is not asked for again."""
    provider = Provider(suppresses_duplicates=False)
    with make_world(provider) as world:
        account = world.account()
        killed = world.serve(at=step, gated=True)
        with world.shut_gate(), Caller(killed, account) as caller:
            run_id = caller.started(OWN)
        killed.wait_until_it_killed_itself()
        check_at_any_moment(world, account)

        with Caller(world.serve(), account) as caller:
            assert caller.ended(run_id)["status"] == _OWN[step]
            [run] = check_at_the_end(world, caller)
        assert run["status"] == "completed" or run["charged_cost"] == 0
    assert provider.made == {run_id: 1}


for _case in CARRYING:
    STORIES.add(_case, partial(kill_and_start_again, case=_case), "sqlite")

for _step in _OWN:
    _story = partial(kill_the_only_one_that_can_follow, step=_step)
    STORIES.add(f"followed by it alone: {_step}", _story, "sqlite")


@pytest.mark.parametrize("case", STORIES.cases)
def test_a_run_goes_on_and_is_not_paid_twice(told: Told, case: str) -> None:
    told[case].result()
