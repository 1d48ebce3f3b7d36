"""A process is told to stop: it finishes what costs nothing, and hands back what others can go on with."""

import time

import pytest

from crash.books import check_at_any_moment, check_at_the_end
from crash.outage import away
from crash.provider import Provider
from crash.steps import MODELS, OWN
from crash.stories import MakeWorld, Stories, Told
from crash.world import Caller, Process, World

STORIES = Stories()

# How long a process is watched that should not end, and what lies between two signals.
_WHILE = 1.0


def followed(world: World, caller: Caller, model: str) -> str:
    """Start a run and wait until it is followed at the provider."""
    run_id = caller.started(model)
    world.wait_until_followed(run_id)
    return run_id


def go_on(world: World, door: Process, caller: Caller, run_id: str) -> dict[str, object]:
    """Let the next process carry on; returns the run at its end."""
    world.provider.release()
    if not world.database.is_sqlite:
        world.worker()
    with Caller(world.serve() if world.database.is_sqlite else door, caller.account) as later:
        run = later.ended(run_id)
        check_at_the_end(world, later)
    return run


@STORIES.on("sqlite", "postgres")
def free_work_is_finished_before_the_process_ends(make_world: MakeWorld) -> None:
    with make_world(Provider(seconds=1.0)) as world:
        door, worker = world.door()
        with Caller(door, world.account()) as caller:
            run_id = followed(world, caller, MODELS["free"])
            worker.stop()
        run = world.run(run_id)
        assert (run.state, run.attempts) == ("completed", 0)
        check_at_any_moment(world, caller.account)
        assert world.provider.made == {run_id: 1}


@STORIES.on("sqlite", "postgres")
def what_anybody_can_follow_is_handed_back_and_not_paid_again(make_world: MakeWorld) -> None:
    provider = Provider(suppresses_duplicates=False)
    provider.hold()
    with make_world(provider) as world:
        door, worker = world.door()
        with Caller(door, world.account()) as caller:
            run_id = followed(world, caller, MODELS["paid"])
            # The provider does not finish meanwhile.
            worker.stop()
            run = world.run(run_id)
            assert (run.state, run.worker_id, run.attempts) == ("running", None, 0)
            assert world.submissions(run_id) == ["open"]
            check_at_any_moment(world, caller.account)
            assert go_on(world, door, caller, run_id)["status"] == "completed"
        assert world.run(run_id).attempts == 0
        assert provider.made == {run_id: 1}
        assert not provider.cancelled


@STORIES.on("sqlite", "postgres")
def what_only_this_process_can_follow_is_waited_for(make_world: MakeWorld) -> None:
    provider = Provider()
    provider.hold()
    with make_world(provider) as world:
        door, worker = world.door()
        with Caller(door, world.account()) as caller:
            run_id = followed(world, caller, OWN)
            worker.ask_to_stop()
            time.sleep(_WHILE)
            assert worker.is_alive
            provider.release()
            worker.wait_until_gone()
        assert world.run(run_id).state == "completed"
        assert world.submissions(run_id) == ["over"]
        check_at_any_moment(world, caller.account)
        assert provider.made == {run_id: 1}


def stop_twice(worker: Process) -> None:
    """Send two signals, and wait for the end although there is something to wait for."""
    worker.ask_to_stop()
    time.sleep(_WHILE)
    assert worker.is_alive
    worker.stop()


@STORIES.on("sqlite", "postgres")
def a_second_signal_ends_the_waiting_for_what_only_this_process_can_follow(make_world: MakeWorld) -> None:
    provider = Provider(suppresses_duplicates=False)
    provider.hold()
    with make_world(provider) as world:
        door, worker = world.door()
        with Caller(door, world.account()) as caller:
            run_id = followed(world, caller, OWN)
            stop_twice(worker)
            check_at_any_moment(world, caller.account)
            run = go_on(world, door, caller, run_id)
        # Nobody can tell whether it was charged for, so it is not submitted again.
        assert (run["status"], run["error_code"], run["charged_cost"]) == ("failed", "SERVER_ERROR", 0)
        assert provider.made == {run_id: 1}


@STORIES.on("sqlite", "postgres")
def a_second_signal_ends_the_waiting_for_free_work(make_world: MakeWorld) -> None:
    provider = Provider()
    provider.hold()
    with make_world(provider) as world:
        door, worker = world.door()
        with Caller(door, world.account()) as caller:
            run_id = followed(world, caller, MODELS["free"])
            stop_twice(worker)
            assert (world.run(run_id).state, world.run(run_id).attempts) == ("pending", 0)
            assert provider.cancelled == {run_id: 1}
            assert go_on(world, door, caller, run_id)["status"] == "completed"
        assert world.run(run_id).attempts == 0
        assert provider.made == {run_id: 2}


@STORIES.on("postgres")
def a_second_signal_ends_the_waiting_for_a_database_that_is_away(make_world: MakeWorld) -> None:
    provider = Provider(suppresses_duplicates=False)
    provider.hold()
    with make_world(provider) as world:
        door, worker = world.door()
        with Caller(door, world.account()) as caller:
            run_id = followed(world, caller, MODELS["paid"])
            with away(world, "refused"):
                stop_twice(worker)
            caller.wait_until_answered()
            assert go_on(world, door, caller, run_id)["status"] == "completed"
        assert provider.made == {run_id: 1}


@pytest.mark.parametrize("case", STORIES.cases)
def test_draining(told: Told, case: str) -> None:
    told[case].result()
