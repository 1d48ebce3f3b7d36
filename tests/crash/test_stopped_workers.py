"""PostgreSQL: a worker stands still for longer than its lease, is given up by the other one, and goes on."""

from functools import partial

import pytest
import sqlalchemy as sa

from crash.books import check_at_any_moment, check_at_the_end
from crash.provider import Provider
from crash.steps import CARRYING, MODELS
from crash.stories import MakeWorld, Stories, Told
from crash.world import WORKER_TIMEOUT, Caller, World, wait_until
from terrarium_server import runs
from terrarium_server.execution import workers

STORIES = Stories()

_CASES = [
    *(case for case in CARRYING if case.startswith("paid: ")),
    "free: inside runs.claim 1",
    "free: after runs.claim 1",
    "free: after engine.submit 1",
    "free: before engine.look 1",
    "free: after assets.keep 1",
    "free: inside settlement.complete 1",
    "free: after settlement.complete 1",
]
# From here on the provider has told the worker that the job is done.
_HEARD = ("assets.keep", "runs.complete", "canvas.land", "settlement.complete")


def was_given_up(world: World, run_id: str) -> bool:
    """Whether the other worker has the run, or could have: nothing stands in its way but an open transaction.

    That is so once the lease has been over for half a lease.
    """
    run = world.run(run_id)
    with world.database.transaction() as tx:
        over = workers.c.lease_until < tx.clock - 500 * WORKER_TIMEOUT
        is_dead = tx.execute(sa.select(workers.c.worker_id).where(over)).first() is not None
    return run.is_over or run.claim > 1 or is_dead


def stop_and_go_on(make_world: MakeWorld, *, case: str) -> None:
    """Let the worker that carries a run stop at a step until the other one has it: it changes nothing."""
    engine, step = case.split(": ")
    provider = Provider(suppresses_duplicates=False)
    heard = step.split()[1] in _HEARD
    if not heard:
        provider.hold()
    with make_world(provider) as world:
        account = world.account()
        with Caller(world.serve("--no-workers"), account) as caller:
            with world.shut_gate():
                world.worker(gated=True)
                stopped = world.worker(stop=step)
                run_id = caller.started(MODELS[engine])
                stopped.wait_until_it_stopped_itself()
            wait_until(lambda: was_given_up(world, run_id), "the worker should be given up")
            check_at_any_moment(world, account)
            stopped.resume()
            # It has renewed, and has heard which runs it still has.
            world.wait_for_leases(WORKER_TIMEOUT / 2)
            assert heard or not world.run(run_id).is_over
            provider.release()
            assert caller.ended(run_id)["status"] == "completed"
            assert [run["run_id"] for run in check_at_the_end(world, caller)] == [run_id]
            assert stopped.is_alive
    if engine == "paid":
        assert provider.made == {run_id: 1}
        assert not provider.cancelled
    else:
        assert provider.made[run_id] <= 2


def work_again(make_world: MakeWorld, *, engine: str) -> None:
    """A worker that stood still loses its run to the other one, and carries out new ones."""
    provider = Provider(suppresses_duplicates=False)
    provider.hold()
    with make_world(provider) as world:
        account = world.account()
        stopped = world.worker()
        [its_id] = world.leases()
        with Caller(world.serve("--no-workers"), account) as caller:
            run_id = caller.started(MODELS[engine])
            world.wait_until_followed(run_id)
            stopped.pause()
            other = world.worker()
            wait_until(lambda: world.run(run_id).worker_id not in (its_id, None), "it should be taken over")
            stopped.resume()
            world.wait_for_leases(WORKER_TIMEOUT)
            # Of a free run each of them had a job of its own.
            assert provider.cancelled == ({} if engine == "paid" else {run_id: 1})
            provider.release()
            assert caller.ended(run_id)["status"] == "completed"
            assert world.run(run_id).attempts == 1
            other.stop()
            again = caller.started(MODELS[engine])
            assert caller.ended(again)["status"] == "completed"
            assert world.run(again).worker_id == its_id
            check_at_the_end(world, caller)
        assert provider.made == {run_id: 1 if engine == "paid" else 2, again: 1}


def wait_for_a_call(make_world: MakeWorld, *, step: str, then: str) -> None:
    """Nothing is submitted again as long as a call may yet come."""
    provider = Provider(suppresses_duplicates=False)
    with make_world(provider) as world:
        account = world.account()
        with Caller(world.serve("--no-workers"), account) as caller:
            stopped = world.worker(stop=step)
            run_id = caller.started(MODELS["paid"])
            stopped.wait_until_it_stopped_itself()
            world.worker()
            wait_until(lambda: provider.found[run_id] > 1, "the other one should ask the provider")
            assert world.run(run_id).claim == 2
            assert not provider.submissions
            stopped.resume() if then == "goes on" else stopped.kill()
            assert caller.ended(run_id)["status"] == "completed"
            check_at_the_end(world, caller)
        assert provider.submissions == {run_id: 1}
        assert provider.made == {run_id: 1}
        assert not provider.cancelled


@STORIES.on("postgres")
def a_run_that_is_locked_keeps_no_other_from_being_taken_over(make_world: MakeWorld) -> None:
    provider = Provider()
    with make_world(provider) as world:
        server = world.serve("--no-workers")
        # Of two workspaces: the balance of the first one is locked too.
        with Caller(server, world.account()) as caller, Caller(server, world.account()) as another:
            stopped = world.worker(stop="inside settlement.complete 1")
            first = caller.started(MODELS["paid"])
            stopped.wait_until_it_stopped_itself()
            its_id = world.run(first).worker_id
            assert its_id is not None
            second = another.started(MODELS["paid"])
            with world.database.transaction() as tx:
                # As if it had claimed this one too before it stood still.
                assert runs.claim(tx, its_id, 1, {"paid": 1})
            world.worker()
            assert another.ended(second)["status"] == "completed"
            stopped.resume()
            assert caller.ended(first)["status"] == "completed"
            check_at_the_end(world, caller)
            check_at_the_end(world, another)
        assert provider.made == {first: 1, second: 1}


@STORIES.on("postgres")
def a_transaction_that_stands_still_does_not_keep_its_workspace_locked(make_world: MakeWorld) -> None:
    provider = Provider()
    with make_world(provider) as world:
        with Caller(world.serve("--no-workers"), world.account()) as caller:
            stopped = world.worker(stop="inside settlement.complete 1")
            first = caller.started(MODELS["paid"])
            stopped.wait_until_it_stopped_itself()
            world.worker()
            second = caller.started(MODELS["paid"])
            assert {caller.ended(run_id)["status"] for run_id in (first, second)} == {"completed"}
            stopped.resume()
            check_at_the_end(world, caller)
        assert provider.made == {first: 1, second: 1}


for _case in _CASES:
    STORIES.add(_case, partial(stop_and_go_on, case=_case), "postgres")
for _engine in MODELS:
    STORIES.add(f"{_engine}: and works again", partial(work_again, engine=_engine), "postgres")
for _step in ("after submissions.mark 1", "before engine.submit 1"):
    for _then in ("goes on", "is killed"):
        _story = partial(wait_for_a_call, step=_step, then=_then)
        STORIES.add(f"stands still {_step} and {_then}", _story, "postgres")


@pytest.mark.parametrize("case", STORIES.cases)
def test_a_worker_that_stood_still_changes_nothing(told: Told, case: str) -> None:
    told[case].result()
