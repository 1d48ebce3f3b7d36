"""The one that takes a run over is killed as well."""

from functools import partial

import pytest

from crash.books import check_at_any_moment, check_at_the_end
from crash.provider import Provider
from crash.steps import MODELS
from crash.stories import MakeWorld, Stories, Told
from crash.world import Caller

STORIES = Stories()

# Where the first one is killed, and where the second.
_CASES = [
    "paid: before engine.look 1, inside runs.take_over 1",
    "paid: before engine.look 1, after runs.take_over 1",
    # Nobody was told yet, and that has to be found out.
    "paid: before engine.submit 1, before engine.find 1",
    "paid: before engine.submit 1, inside submissions.conclude 1",
    "paid: before engine.submit 1, after submissions.conclude 1",
    "paid: before engine.submit 1, after submissions.mark 1",
    "paid: before engine.submit 1, after engine.submit 1",
    # It was told, but its answer is unknown.
    "paid: after engine.submit 1, before engine.find 1",
    "paid: after engine.submit 1, inside submissions.record_ticket 1",
    "paid: after engine.submit 1, after submissions.record_ticket 1",
    "free: before engine.look 1, inside runs.requeue_abandoned 1",
    "free: before engine.look 1, after runs.requeue_abandoned 1",
    "free: before engine.look 1, after runs.claim 1",
]


def kill_two(make_world: MakeWorld, *, case: str) -> None:
    """Let two processes, one after the other, die with a run; the third one makes it."""
    engine, steps = case.split(": ")
    first_step, second_step = steps.split(", ")
    provider = Provider(suppresses_duplicates=False)
    with make_world(provider) as world:
        account = world.account()
        first = world.serve(at=first_step, gated=True)
        with world.shut_gate(), Caller(first, account) as caller:
            run_id = caller.started(MODELS[engine])
        first.wait_until_it_killed_itself()
        second = world.serve(at=second_step)
        second.wait_until_it_killed_itself()
        check_at_any_moment(world, account)
        with Caller(world.serve(), account) as caller:
            assert caller.ended(run_id)["status"] == "completed"
            check_at_the_end(world, caller)
    assert engine == "free" or provider.made == {run_id: 1}


for _case in _CASES:
    STORIES.add(_case, partial(kill_two, case=_case), "sqlite")


@pytest.mark.parametrize("case", STORIES.cases)
def test_a_run_goes_on_when_the_one_who_took_it_over_is_killed(told: Told, case: str) -> None:
    told[case].result()
