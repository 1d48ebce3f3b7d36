"""The one that takes a run over is killed as well."""

import pytest

from crash.books import check_at_any_moment, check_at_the_end
from crash.conftest import MakeWorld
from crash.provider import Provider
from crash.steps import MODELS
from crash.world import Caller

TAKING_OVER = [
    ("paid", "inside runs.take_over 1"),
    ("paid", "after runs.take_over 1"),
    ("free", "after runs.take_over 1"),
    ("free", "inside runs.requeue 1"),
    ("free", "after runs.requeue 1"),
]


@pytest.mark.parametrize(("engine", "step"), TAKING_OVER)
def test_a_run_goes_on_when_the_one_who_took_it_over_is_killed(
    sqlite_world: MakeWorld, engine: str, step: str
) -> None:
    provider = Provider(suppresses_duplicates=False)
    with sqlite_world(provider) as world:
        account = world.account()
        first = world.serve(crash="before engine.look 1", gated=True)
        with world.shut_gate(), Caller(first, account) as caller:
            run_id = caller.started(MODELS[engine])
        first.wait_until_it_killed_itself()
        second = world.serve(crash=step)
        second.wait_until_it_killed_itself()
        check_at_any_moment(world, account)
        with Caller(world.serve(), account) as caller:
            assert caller.ended(run_id)["status"] == "completed"
            check_at_the_end(world, caller)
    assert engine == "free" or provider.made == {run_id: 1}
