"""Nobody can tell whether a call arrived: nothing is paid twice, and what arrives late is not lost."""

from functools import partial
from typing import Literal

import pytest

from crash.books import check_at_the_end
from crash.provider import Provider
from crash.steps import MODELS
from crash.stories import MakeWorld, Stories, Told
from crash.world import Caller, wait_until

STORIES = Stories()

# Shorter than what a stopped worker is waited for, and longer than a lease.
_SILENCE = "3"


@STORIES.on("postgres")
def a_ticket_that_is_noted_late_is_waited_for(make_world: MakeWorld) -> None:
    provider = Provider(suppresses_duplicates=False, searchable=False)
    with make_world(provider) as world:
        with Caller(world.serve("--no-workers"), world.account()) as caller:
            stopped = world.worker(stop="after engine.submit 1")
            run_id = caller.started(MODELS["paid"])
            stopped.wait_until_it_stopped_itself()
            world.worker()
            wait_until(lambda: provider.found[run_id] > 1, "the other one should ask the provider")
            assert world.submissions(run_id) == ["marked"]
            stopped.resume()
            assert caller.ended(run_id)["status"] == "completed"
            check_at_the_end(world, caller)
        assert provider.made == {run_id: 1}
        assert not provider.cancelled


@STORIES.on("postgres")
def a_call_that_comes_after_the_run_was_given_up_is_noted_and_stopped(make_world: MakeWorld) -> None:
    provider = Provider(suppresses_duplicates=False)
    provider.hold()
    with make_world(provider) as world:
        with Caller(world.serve("--no-workers"), world.account()) as caller:
            stopped = world.worker(stop="before engine.submit 1")
            run_id = caller.started(MODELS["paid"])
            stopped.wait_until_it_stopped_itself()
            world.worker(silence=_SILENCE)
            run = caller.ended(run_id)
            assert (run["status"], run["charged_cost"]) == ("failed", 0)
            assert world.submissions(run_id) == ["unknown"]
            assert not provider.made
            stopped.resume()
            wait_until(lambda: provider.cancelled == {run_id: 1}, "the late call should be stopped")
            check_at_the_end(world, caller)
        assert world.submissions(run_id) == ["cancelled"]
        assert provider.made == {run_id: 1}


@STORIES.on("sqlite", "postgres")
def what_nobody_can_tell_is_not_paid_twice(make_world: MakeWorld) -> None:
    provider = Provider(suppresses_duplicates=False, searchable=False)
    with make_world(provider) as world:
        account = world.account()
        door, killed = world.door(at="after engine.submit 1", gated=True)
        with world.shut_gate(), Caller(door, account) as caller:
            run_id = caller.started(MODELS["paid"])
        killed.wait_until_it_killed_itself()
        with Caller(world.serve(), account) as caller:
            run = caller.ended(run_id)
            assert (run["status"], run["charged_cost"]) == ("failed", 0)
            check_at_the_end(world, caller)
        assert world.submissions(run_id) == ["unknown"]
        assert provider.made == {run_id: 1}


def hang_up(make_world: MakeWorld, *, moment: Literal["before", "after"]) -> None:
    """The line is cut while a job is submitted: the run fails, and its job is stopped if there is one."""
    provider = Provider(suppresses_duplicates=False, hangs_up=moment)
    provider.hold()
    with make_world(provider) as world:
        door, _ = world.door()
        with Caller(door, world.account()) as caller:
            run_id = caller.started(MODELS["paid"])
            assert caller.ended(run_id)["charged_cost"] == 0
            check_at_the_end(world, caller)
        made = 1 if moment == "after" else 0
        assert (provider.made[run_id], provider.cancelled[run_id]) == (made, made)
        assert world.submissions(run_id) == ["cancelled" if made else "void"]


STORIES.add("the line is cut before a job was taken", partial(hang_up, moment="before"), "sqlite", "postgres")
STORIES.add("the line is cut before the answer", partial(hang_up, moment="after"), "sqlite", "postgres")


@pytest.mark.parametrize("case", STORIES.cases)
def test_nobody_can_tell(told: Told, case: str) -> None:
    told[case].result()
