"""PostgreSQL: a worker is suspended for longer than its lease, loses its runs to another one, and resumes."""

from functools import partial

import pytest
import sqlalchemy as sa

from crash.checks import check_final_state, check_invariants
from crash.deployment import WORKER_TIMEOUT, Caller, Deployment, wait_until
from crash.provider import Provider
from crash.scenarios import MakeDeployment, Results, Scenarios
from crash.steps import EXECUTION, MODELS
from terrarium_server import runs
from terrarium_server.execution import workers

SCENARIOS = Scenarios()

_CASES = [
    *(case for case in EXECUTION if case.startswith("paid: ")),
    "free: inside runs.claim 1",
    "free: after runs.claim 1",
    "free: after engine.submit 1",
    "free: before engine.poll 1",
    "free: after assets.keep 1",
    "free: inside settlement.complete 1",
    "free: after settlement.complete 1",
]
# The steps after the provider has reported the end of the job to the worker.
_REPORTED = ("assets.keep", "runs.complete", "canvas.place_outputs", "settlement.complete")


def was_given_up(deployment: Deployment, run_id: str) -> bool:
    """Whether the other worker has the run, or only an open transaction keeps it from taking the run over.

    The latter is assumed once the lease has been expired for half a lease.
    """
    run = deployment.run(run_id)
    with deployment.database.transaction() as tx:
        expired = workers.c.lease_until < tx.clock - 500 * WORKER_TIMEOUT
        is_dead = tx.execute(sa.select(workers.c.worker_id).where(expired)).first() is not None
    return run.is_over or run.claim > 1 or is_dead


def suspend_and_resume(make_deployment: MakeDeployment, *, case: str) -> None:
    """Suspend the worker that executes a run at a step until the other one has it: it changes nothing."""
    engine, step = case.split(": ")
    provider = Provider(suppresses_duplicates=False)
    is_reported = step.split()[1] in _REPORTED
    if not is_reported:
        provider.hold()
    with make_deployment(provider) as deployment:
        account = deployment.account()
        with Caller(deployment.serve("--no-workers"), account) as caller:
            with deployment.closed_gate():
                deployment.worker(gated=True)
                stopped = deployment.worker(stop=step)
                run_id = caller.started(MODELS[engine])
                stopped.wait_until_it_stopped_itself()
            wait_until(lambda: was_given_up(deployment, run_id), "the worker should be given up")
            check_invariants(deployment, account)
            stopped.resume()
            # It has renewed its lease, and knows which runs it still has.
            deployment.wait_for_leases(WORKER_TIMEOUT / 2)
            assert is_reported or not deployment.run(run_id).is_over
            provider.release()
            assert caller.ended(run_id)["status"] == "completed"
            assert [run["run_id"] for run in check_final_state(deployment, caller)] == [run_id]
            assert stopped.is_alive
    if engine == "paid":
        assert provider.made == {run_id: 1}
        assert not provider.cancelled
    else:
        assert provider.made[run_id] <= 2


def work_again(make_deployment: MakeDeployment, *, engine: str) -> None:
    """A worker that was suspended loses its run to the other one, and executes new ones."""
    provider = Provider(suppresses_duplicates=False)
    provider.hold()
    with make_deployment(provider) as deployment:
        account = deployment.account()
        stopped = deployment.worker()
        [its_id] = deployment.leases()
        with Caller(deployment.serve("--no-workers"), account) as caller:
            run_id = caller.started(MODELS[engine])
            deployment.wait_until_followed(run_id)
            stopped.pause()
            other = deployment.worker()
            wait_until(
                lambda: deployment.run(run_id).worker_id not in (its_id, None), "it should be taken over"
            )
            stopped.resume()
            deployment.wait_for_leases(WORKER_TIMEOUT)
            # For a free run, each of them had its own job.
            assert provider.cancelled == ({} if engine == "paid" else {run_id: 1})
            provider.release()
            assert caller.ended(run_id)["status"] == "completed"
            assert deployment.run(run_id).attempts == 1
            other.stop()
            again = caller.started(MODELS[engine])
            assert caller.ended(again)["status"] == "completed"
            assert deployment.run(again).worker_id == its_id
            check_final_state(deployment, caller)
        assert provider.made == {run_id: 1 if engine == "paid" else 2, again: 1}


def wait_for_a_call(make_deployment: MakeDeployment, *, step: str, then: str) -> None:
    """Nothing is submitted again as long as the first call may still be made."""
    provider = Provider(suppresses_duplicates=False)
    with make_deployment(provider) as deployment:
        account = deployment.account()
        with Caller(deployment.serve("--no-workers"), account) as caller:
            stopped = deployment.worker(stop=step)
            run_id = caller.started(MODELS["paid"])
            stopped.wait_until_it_stopped_itself()
            deployment.worker()
            wait_until(lambda: provider.searches[run_id] > 1, "the other one should ask the provider")
            assert deployment.run(run_id).claim == 2
            assert not provider.submissions
            stopped.resume() if then == "goes on" else stopped.kill()
            assert caller.ended(run_id)["status"] == "completed"
            check_final_state(deployment, caller)
        assert provider.submissions == {run_id: 1}
        assert provider.made == {run_id: 1}
        assert not provider.cancelled


@SCENARIOS.on("postgres")
def a_locked_run_does_not_keep_others_from_being_taken_over(make_deployment: MakeDeployment) -> None:
    provider = Provider()
    with make_deployment(provider) as deployment:
        server = deployment.serve("--no-workers")
        # Two workspaces, because the balance of the first one is locked too.
        with Caller(server, deployment.account()) as caller, Caller(server, deployment.account()) as another:
            stopped = deployment.worker(stop="inside settlement.complete 1")
            first = caller.started(MODELS["paid"])
            stopped.wait_until_it_stopped_itself()
            its_id = deployment.run(first).worker_id
            assert its_id is not None
            second = another.started(MODELS["paid"])
            with deployment.database.transaction() as tx:
                # As if it had claimed this run too before it was suspended.
                assert runs.claim(tx, its_id, 1, {"paid": 1})
            deployment.worker()
            assert another.ended(second)["status"] == "completed"
            stopped.resume()
            assert caller.ended(first)["status"] == "completed"
            check_final_state(deployment, caller)
            check_final_state(deployment, another)
        assert provider.made == {first: 1, second: 1}


@SCENARIOS.on("postgres")
def a_suspended_transaction_does_not_keep_its_workspace_locked(
    make_deployment: MakeDeployment,
) -> None:
    provider = Provider()
    with make_deployment(provider) as deployment:
        with Caller(deployment.serve("--no-workers"), deployment.account()) as caller:
            stopped = deployment.worker(stop="inside settlement.complete 1")
            first = caller.started(MODELS["paid"])
            stopped.wait_until_it_stopped_itself()
            deployment.worker()
            second = caller.started(MODELS["paid"])
            assert {caller.ended(run_id)["status"] for run_id in (first, second)} == {"completed"}
            stopped.resume()
            check_final_state(deployment, caller)
        assert provider.made == {first: 1, second: 1}


for _case in _CASES:
    SCENARIOS.add(_case, partial(suspend_and_resume, case=_case), "postgres")
for _engine in MODELS:
    SCENARIOS.add(f"{_engine}: and works again", partial(work_again, engine=_engine), "postgres")
for _step in ("after submissions.mark 1", "before engine.submit 1"):
    for _then in ("goes on", "is killed"):
        _scenario = partial(wait_for_a_call, step=_step, then=_then)
        SCENARIOS.add(f"is suspended {_step} and {_then}", _scenario, "postgres")


@pytest.mark.parametrize("case", SCENARIOS.cases)
def test_a_worker_that_was_suspended_changes_nothing(results: Results, case: str) -> None:
    results[case].result()
