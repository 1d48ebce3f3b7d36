"""A run is cancelled: its job is stopped at the provider, also when the worker that had it is dead."""

from functools import partial

import pytest

from crash.books import check_at_any_moment, check_at_the_end
from crash.provider import Provider
from crash.steps import MODELS
from crash.stories import MakeWorld, Stories, Told
from crash.world import Caller, wait_until

STORIES = Stories()

# Where the worker dies, and how often the provider was called until then.
_SUBMITTED = {"before engine.look 1": 1, "after engine.submit 1": 1, "before engine.submit 1": 0}


def cancel_for_a_dead_worker(make_world: MakeWorld, *, step: str) -> None:
    """A run is cancelled after its worker was killed: the next worker stops what was submitted."""
    calls = _SUBMITTED[step]
    provider = Provider()
    provider.hold()
    with make_world(provider) as world:
        account = world.account()
        door, killed = world.door(at=step, gated=True)
        with world.shut_gate(), Caller(door, account) as caller:
            run_id = caller.started(MODELS["paid"])
        killed.wait_until_it_killed_itself()
        if world.database.is_sqlite:
            door = world.serve("--no-workers")
        with Caller(door, account) as caller:
            caller.cancel(run_id)
        check_at_any_moment(world, account)
        assert (provider.made[run_id], provider.cancelled[run_id]) == (calls, 0)
        if world.database.is_sqlite:
            door.stop()
        door, _ = world.door()
        with Caller(door, account) as caller:
            [run] = check_at_the_end(world, caller)
            assert (run["status"], run["error_code"]) == ("failed", "GENERATION_CANCELLED")
        assert (provider.made[run_id], provider.cancelled[run_id]) == (calls, calls)
        assert world.submissions(run_id) == ["cancelled" if calls else "void"]


def cancel_for_a_living_worker(make_world: MakeWorld, *, model: str) -> None:
    """A worker stops a run itself that was cancelled, in whichever process."""
    provider = Provider()
    provider.hold()
    with make_world(provider) as world:
        door, _ = world.door(chores="3600")
        with Caller(door, world.account()) as caller:
            run_id = caller.started(model)
            world.wait_until_followed(run_id)
            caller.cancel(run_id)
            wait_until(lambda: provider.cancelled == {run_id: 1}, "the provider should be told")
            check_at_the_end(world, caller)


@STORIES.on("postgres")
def a_call_that_comes_after_the_cancelling_is_stopped_too(make_world: MakeWorld) -> None:
    provider = Provider()
    provider.hold()
    with make_world(provider) as world:
        with Caller(world.serve("--no-workers"), world.account()) as caller:
            stopped = world.worker(stop="before engine.submit 1")
            run_id = caller.started(MODELS["paid"])
            stopped.wait_until_it_stopped_itself()
            world.worker()
            wait_until(lambda: provider.found[run_id] > 0, "the other one should ask the provider")
            caller.cancel(run_id)
            # The other one sees to what is left, and must not think that nothing can come of this.
            asked = provider.found[run_id]
            wait_until(lambda: provider.found[run_id] > asked + 2, "the other one should ask again")
            stopped.resume()
            wait_until(lambda: provider.cancelled == {run_id: 1}, "the provider should be told")
            check_at_the_end(world, caller)
        assert provider.made == {run_id: 1}


for _step in _SUBMITTED:
    _story = partial(cancel_for_a_dead_worker, step=_step)
    STORIES.add(f"its worker died {_step}", _story, "sqlite", "postgres")
for _engine, _model in MODELS.items():
    _story = partial(cancel_for_a_living_worker, model=_model)
    STORIES.add(f"its worker lives, {_engine}", _story, "sqlite", "postgres")


@pytest.mark.parametrize("case", STORIES.cases)
def test_a_cancelled_run_is_stopped_at_its_provider(told: Told, case: str) -> None:
    told[case].result()
