"""A newer version has upgraded the database: an older worker finishes its runs and claims nothing more."""

import time

import pytest
import sqlalchemy as sa

from crash.checks import check_final_state, check_invariants
from crash.deployment import WORKER_TIMEOUT, Caller, Deployment
from crash.provider import Provider
from crash.scenarios import MakeDeployment, Results, Scenarios
from crash.steps import MODELS
from terrarium_server.migrations import HEAD

SCENARIOS = Scenarios()

# Several times as long as a worker takes to notice a ready run.
_WHILE = 1.5


def set_version(deployment: Deployment, version: str) -> None:
    with deployment.database.transaction() as tx:
        tx.execute(sa.text("UPDATE alembic_version SET version_num = :version"), {"version": version})


@SCENARIOS.on("sqlite", "postgres")
def a_worker_claims_nothing_from_a_newer_database(make_deployment: MakeDeployment) -> None:
    provider = Provider()
    provider.hold()
    with make_deployment(provider) as deployment:
        api, worker = deployment.api_and_worker()
        with Caller(api, deployment.account()) as caller:
            held = [caller.started(model) for model in MODELS.values()]
            deployment.wait_until_followed(*held)
            set_version(deployment, "9999")
            worker.wait_for("(claims nothing more)")
            waiting = [caller.started(model) for model in MODELS.values()]
            provider.release()
            assert {caller.ended(run_id)["status"] for run_id in held} == {"completed"}
            time.sleep(_WHILE)
            assert {deployment.run(run_id).state for run_id in waiting} == {"pending"}
            check_invariants(deployment, caller.account)

            set_version(deployment, HEAD)
            assert {caller.ended(run_id)["status"] for run_id in waiting} == {"completed"}
            check_final_state(deployment, caller)
        assert provider.made == dict.fromkeys(held + waiting, 1)


@SCENARIOS.on("postgres")
def a_worker_takes_nothing_over_in_a_newer_database(make_deployment: MakeDeployment) -> None:
    provider = Provider()
    provider.hold()
    with make_deployment(provider) as deployment:
        account = deployment.account()
        killed = deployment.worker()
        with Caller(deployment.serve("--no-workers"), account) as caller:
            run_id = caller.started(MODELS["paid"])
            deployment.wait_until_followed(run_id)
            left = deployment.worker()
            set_version(deployment, "9999")
            left.wait_for("(claims nothing more)")
            killed.kill()
            # The lease of the dead worker expires meanwhile.
            time.sleep(2 * WORKER_TIMEOUT)
            run = deployment.run(run_id)
            assert (run.state, run.claim) == ("running", 1)

            set_version(deployment, HEAD)
            provider.release()
            assert caller.ended(run_id)["status"] == "completed"
            check_final_state(deployment, caller)
        assert provider.made == {run_id: 1}


@pytest.mark.parametrize("case", SCENARIOS.cases)
def test_a_newer_schema(results: Results, case: str) -> None:
    results[case].result()
