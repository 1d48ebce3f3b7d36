"""The database is away for longer than a lease: runs end later, and nothing else comes of it."""

import time
from functools import partial

import pytest

from crash.books import check_at_any_moment, check_at_the_end
from crash.outage import OUTAGES, away
from crash.provider import Provider
from crash.steps import MODELS, OWN
from crash.stories import MakeWorld, Stories, Told
from crash.world import WORKER_TIMEOUT, Caller

STORIES = Stories()

# SQLite's worker waits so many seconds for a lock, instead of 30.
_BUSY = "0.2"
_AWAY_SECONDS = 1.75 * WORKER_TIMEOUT


def follow_during_an_outage(make_world: MakeWorld, *, kind: str) -> None:
    """Runs are followed while the database goes away; some finish meanwhile, some afterwards."""
    provider = Provider(suppresses_duplicates=False)
    provider.hold()
    with make_world(provider) as world:
        account = world.account()
        door, _ = world.door(busy=_BUSY)
        with Caller(door, account) as caller:
            early = [caller.started(model) for model in (*MODELS.values(), OWN)]
            world.wait_until_followed(*early)
            provider.seconds = 1.5 * _AWAY_SECONDS
            late = [caller.started(model) for model in (*MODELS.values(), OWN)]
            started = [*early, *late]
            world.wait_until_followed(*started)
            with away(world, kind):
                provider.release()
                time.sleep(_AWAY_SECONDS)
            caller.wait_until_answered()
            assert [caller.ended(run_id)["status"] for run_id in started] == ["completed"] * len(started)
            check_at_the_end(world, caller)
            assert {world.run(run_id).attempts for run_id in started} == {0}
        assert provider.made == dict.fromkeys(started, 1)
        assert not provider.cancelled


def begin_during_an_outage(make_world: MakeWorld, *, kind: str) -> None:
    """The database goes away between a run's claim and the first look at what it starts from."""
    provider = Provider(suppresses_duplicates=False)
    with make_world(provider) as world:
        door, worker = world.door(busy=_BUSY, gated=True, stop="after runs.claim 2")
        with Caller(door, world.account()) as caller:
            first = caller.ended(caller.started(MODELS["paid"]))
            picture = first["outputs"][0]["url"]
            with world.shut_gate():
                world.wait_until_turned_away()
                run_id = caller.started(MODELS["paid"], image_url=picture)
            worker.wait_until_it_stopped_itself()
            with away(world, kind):
                worker.resume()
                time.sleep(_AWAY_SECONDS)
            caller.wait_until_answered()
            run = caller.ended(run_id)
            assert run["status"] == "completed", run
            check_at_the_end(world, caller)
        assert provider.made == {first["run_id"]: 1, run_id: 1}


@STORIES.on("postgres")
def nobody_robs_anybody_after_an_outage(make_world: MakeWorld) -> None:
    provider = Provider(suppresses_duplicates=False)
    provider.hold()
    with make_world(provider) as world:
        account = world.account()
        first = world.worker()
        with Caller(world.serve("--no-workers"), account) as caller:
            started = [caller.started(model) for model in MODELS.values()]
            world.wait_until_followed(*started)
            world.worker()
            # Stands still for a moment, so that the other one has runs too.
            first.pause()
            started += [caller.started(model) for model in MODELS.values()]
            world.wait_until_followed(*started)
            first.resume()
            held = [world.run(run_id) for run_id in started]
            assert len({run.worker_id for run in held}) == 2
            with away(world, "refused"):
                time.sleep(2 * WORKER_TIMEOUT)
            world.wait_for_leases(2 * WORKER_TIMEOUT)
            now = [world.run(run_id) for run_id in started]
            assert [(run.worker_id, run.claim, run.attempts) for run in now] == [
                (run.worker_id, run.claim, 0) for run in held
            ]
            check_at_any_moment(world, account)
            caller.wait_until_answered()
            provider.release()
            assert {caller.ended(run_id)["status"] for run_id in started} == {"completed"}
            check_at_the_end(world, caller)
        assert provider.made == dict.fromkeys(started, 1)
        assert not provider.cancelled


for _outage in OUTAGES:
    _database, _kind = _outage.split(": ")
    STORIES.add(f"{_kind} while runs are followed", partial(follow_during_an_outage, kind=_kind), _database)
    STORIES.add(f"{_kind} while a run begins", partial(begin_during_an_outage, kind=_kind), _database)


@pytest.mark.parametrize("case", STORIES.cases)
def test_an_outage_delays_ends_and_changes_nothing(told: Told, case: str) -> None:
    told[case].result()
