"""A newer version has upgraded the database: an older worker ends what it has and claims nothing more."""

import time

import pytest
import sqlalchemy as sa

from crash.books import check_at_any_moment, check_at_the_end
from crash.provider import Provider
from crash.steps import MODELS
from crash.stories import MakeWorld, Stories, Told
from crash.world import WORKER_TIMEOUT, Caller, World
from terrarium_server.migrations import HEAD

STORIES = Stories()

# Several times as long as a worker takes to see that there is something to claim.
_WHILE = 1.5


def set_version(world: World, version: str) -> None:
    with world.database.transaction() as tx:
        tx.execute(sa.text("UPDATE alembic_version SET version_num = :version"), {"version": version})


@STORIES.on("sqlite", "postgres")
def a_worker_claims_nothing_from_a_newer_database(make_world: MakeWorld) -> None:
    provider = Provider()
    provider.hold()
    with make_world(provider) as world:
        door, worker = world.door()
        with Caller(door, world.account()) as caller:
            held = [caller.started(model) for model in MODELS.values()]
            world.wait_until_followed(*held)
            set_version(world, "9999")
            worker.wait_for("(claims nothing more)")
            waiting = [caller.started(model) for model in MODELS.values()]
            provider.release()
            assert {caller.ended(run_id)["status"] for run_id in held} == {"completed"}
            time.sleep(_WHILE)
            assert {world.run(run_id).state for run_id in waiting} == {"pending"}
            check_at_any_moment(world, caller.account)

            set_version(world, HEAD)
            assert {caller.ended(run_id)["status"] for run_id in waiting} == {"completed"}
            check_at_the_end(world, caller)
        assert provider.made == dict.fromkeys(held + waiting, 1)


@STORIES.on("postgres")
def a_worker_takes_nothing_over_in_a_newer_database(make_world: MakeWorld) -> None:
    provider = Provider()
    provider.hold()
    with make_world(provider) as world:
        account = world.account()
        killed = world.worker()
        with Caller(world.serve("--no-workers"), account) as caller:
            run_id = caller.started(MODELS["paid"])
            world.wait_until_followed(run_id)
            left = world.worker()
            set_version(world, "9999")
            left.wait_for("(claims nothing more)")
            killed.kill()
            # The lease of the dead one ends meanwhile.
            time.sleep(2 * WORKER_TIMEOUT)
            run = world.run(run_id)
            assert (run.state, run.claim) == ("running", 1)

            set_version(world, HEAD)
            provider.release()
            assert caller.ended(run_id)["status"] == "completed"
            check_at_the_end(world, caller)
        assert provider.made == {run_id: 1}


@pytest.mark.parametrize("case", STORIES.cases)
def test_a_newer_schema(told: Told, case: str) -> None:
    told[case].result()
