"""PostgreSQL: a worker cannot renew its lease, although it could do everything else."""

import time
from pathlib import Path

import pytest

from crash.checks import check_final_state, check_invariants
from crash.deployment import WORKER_TIMEOUT, Caller, Deployment, wait_until
from crash.provider import Provider
from crash.scenarios import MakeDeployment, Results, Scenarios
from crash.steps import MODELS

SCENARIOS = Scenarios()

# Several times as long as a worker takes to notice a ready run.
_WHILE = 1.5


def cut_off(deployment: Deployment, file: Path, worker_id: str) -> None:
    """Keep a worker from renewing, until its lease has expired."""
    file.touch()
    wait_until(lambda: not deployment.has_lease(worker_id), "the lease should end")


@SCENARIOS.on("postgres")
def a_worker_without_a_lease_neither_claims_nor_settles(make_deployment: MakeDeployment) -> None:
    provider = Provider(suppresses_duplicates=False)
    provider.hold()
    with make_deployment(provider) as deployment:
        file = deployment.folder / "cut off"
        with Caller(deployment.serve("--no-workers"), deployment.account()) as caller:
            deployment.worker(cut_off=str(file))
            [its_id] = deployment.leases()
            held = [caller.started(model) for model in MODELS.values()]
            deployment.wait_until_followed(*held)
            cut_off(deployment, file, its_id)
            waiting = [caller.started(model) for model in MODELS.values()]
            provider.release()
            time.sleep(_WHILE)
            assert {deployment.run(run_id).state for run_id in held} == {"running"}
            assert {deployment.run(run_id).state for run_id in waiting} == {"pending"}
            check_invariants(deployment, caller.account)

            # No other worker has taken its runs over, so it continues.
            file.unlink()
            started = [*held, *waiting]
            assert {caller.ended(run_id)["status"] for run_id in started} == {"completed"}
            assert {deployment.run(run_id).attempts for run_id in started} == {0}
            check_final_state(deployment, caller)
        assert provider.made == dict.fromkeys(started, 1)
        assert not provider.cancelled


@SCENARIOS.on("postgres")
def the_first_worker_that_returns_leaves_the_others_the_time_to_renew(
    make_deployment: MakeDeployment,
) -> None:
    provider = Provider(suppresses_duplicates=False)
    provider.hold()
    with make_deployment(provider) as deployment:
        files = [deployment.folder / "cut off 1", deployment.folder / "cut off 2"]
        with Caller(deployment.serve("--no-workers"), deployment.account()) as caller:
            first = deployment.worker(cut_off=str(files[0]))
            early = caller.started(MODELS["paid"])
            deployment.wait_until_followed(early)
            deployment.worker(cut_off=str(files[1]))
            first.pause()
            late = caller.started(MODELS["paid"])
            deployment.wait_until_followed(late)
            first.resume()
            held = [deployment.run(run_id) for run_id in (early, late)]
            one, other = (run.worker_id or "" for run in held)
            assert one != other

            files[0].touch()
            cut_off(deployment, files[1], other)
            wait_until(lambda: not deployment.has_lease(one), "the other lease should end too")
            files[0].unlink()
            wait_until(lambda: deployment.has_lease(one), "the first one should be back")
            files[1].unlink()
            deployment.wait_for_leases(2 * WORKER_TIMEOUT)
            assert [deployment.run(run_id).worker_id for run_id in (early, late)] == [one, other]
            assert [deployment.run(run_id).claim for run_id in (early, late)] == [1, 1]

            # A worker that does not renew in that time loses its runs, although it is alive.
            cut_off(deployment, files[1], other)
            wait_until(lambda: deployment.run(late).worker_id == one, "the run should be taken over")
            provider.release()
            assert {caller.ended(run_id)["status"] for run_id in (early, late)} == {"completed"}
            assert deployment.run(late).worker_id == one
            check_final_state(deployment, caller)
        assert provider.made == {early: 1, late: 1}
        assert not provider.cancelled


@pytest.mark.parametrize("case", SCENARIOS.cases)
def test_a_worker_that_cannot_renew(results: Results, case: str) -> None:
    results[case].result()
