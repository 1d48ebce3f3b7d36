"""PostgreSQL: a worker cannot renew its lease, though it could do everything else."""

import time
from pathlib import Path

import pytest

from crash.books import check_at_any_moment, check_at_the_end
from crash.provider import Provider
from crash.steps import MODELS
from crash.stories import MakeWorld, Stories, Told
from crash.world import WORKER_TIMEOUT, Caller, World, wait_until

STORIES = Stories()

# Several times as long as a worker takes to see that there is something to do.
_WHILE = 1.5


def cut_off(world: World, file: Path, worker_id: str) -> None:
    """Let a worker renew no more, until its lease is over."""
    file.touch()
    wait_until(lambda: not world.has_lease(worker_id), "the lease should end")


@STORIES.on("postgres")
def a_worker_without_a_lease_neither_claims_nor_settles(make_world: MakeWorld) -> None:
    provider = Provider(suppresses_duplicates=False)
    provider.hold()
    with make_world(provider) as world:
        file = world.folder / "cut off"
        with Caller(world.serve("--no-workers"), world.account()) as caller:
            world.worker(cut_off=str(file))
            [its_id] = world.leases()
            held = [caller.started(model) for model in MODELS.values()]
            world.wait_until_followed(*held)
            cut_off(world, file, its_id)
            waiting = [caller.started(model) for model in MODELS.values()]
            provider.release()
            time.sleep(_WHILE)
            assert {world.run(run_id).state for run_id in held} == {"running"}
            assert {world.run(run_id).state for run_id in waiting} == {"pending"}
            check_at_any_moment(world, caller.account)

            # Nobody has taken its lease, so it goes on where it was.
            file.unlink()
            started = [*held, *waiting]
            assert {caller.ended(run_id)["status"] for run_id in started} == {"completed"}
            assert {world.run(run_id).attempts for run_id in started} == {0}
            check_at_the_end(world, caller)
        assert provider.made == dict.fromkeys(started, 1)
        assert not provider.cancelled


@STORIES.on("postgres")
def whoever_comes_back_first_gives_the_others_the_time_of_a_lease(make_world: MakeWorld) -> None:
    provider = Provider(suppresses_duplicates=False)
    provider.hold()
    with make_world(provider) as world:
        files = [world.folder / "cut off 1", world.folder / "cut off 2"]
        with Caller(world.serve("--no-workers"), world.account()) as caller:
            first = world.worker(cut_off=str(files[0]))
            early = caller.started(MODELS["paid"])
            world.wait_until_followed(early)
            world.worker(cut_off=str(files[1]))
            first.pause()
            late = caller.started(MODELS["paid"])
            world.wait_until_followed(late)
            first.resume()
            held = [world.run(run_id) for run_id in (early, late)]
            one, other = (run.worker_id or "" for run in held)
            assert one != other

            files[0].touch()
            cut_off(world, files[1], other)
            wait_until(lambda: not world.has_lease(one), "the other lease should end too")
            files[0].unlink()
            wait_until(lambda: world.has_lease(one), "the first one should be back")
            files[1].unlink()
            world.wait_for_leases(2 * WORKER_TIMEOUT)
            assert [world.run(run_id).worker_id for run_id in (early, late)] == [one, other]
            assert [world.run(run_id).claim for run_id in (early, late)] == [1, 1]

            # One that does not come back is not waited for, and has nothing to say although it lives.
            cut_off(world, files[1], other)
            wait_until(lambda: world.run(late).worker_id == one, "the run should be taken over")
            provider.release()
            assert {caller.ended(run_id)["status"] for run_id in (early, late)} == {"completed"}
            assert world.run(late).worker_id == one
            check_at_the_end(world, caller)
        assert provider.made == {early: 1, late: 1}
        assert not provider.cancelled


@pytest.mark.parametrize("case", STORIES.cases)
def test_a_worker_that_cannot_renew(told: Told, case: str) -> None:
    told[case].result()
