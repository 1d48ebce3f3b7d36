"""A process is told to stop: it finishes free work, and returns runs that other workers can continue."""

import time

import pytest

from crash.checks import check_final_state, check_invariants
from crash.deployment import Caller, Deployment, Process
from crash.outage import away
from crash.provider import Provider
from crash.scenarios import MakeDeployment, Results, Scenarios
from crash.steps import MODELS, OWN

SCENARIOS = Scenarios()

# How long a process that should not end is watched, and the time between two signals.
_WHILE = 1.0


def followed(deployment: Deployment, caller: Caller, model: str) -> str:
    """Start a run and wait until it is followed at the provider."""
    run_id = caller.started(model)
    deployment.wait_until_followed(run_id)
    return run_id


def continue_elsewhere(
    deployment: Deployment, api: Process, caller: Caller, run_id: str
) -> dict[str, object]:
    """Let the next process execute the run; return it at its end."""
    deployment.provider.release()
    if not deployment.database.is_sqlite:
        deployment.worker()
    with Caller(deployment.serve() if deployment.database.is_sqlite else api, caller.account) as later:
        run = later.ended(run_id)
        check_final_state(deployment, later)
    return run


@SCENARIOS.on("sqlite", "postgres")
def free_work_is_finished_before_the_process_ends(make_deployment: MakeDeployment) -> None:
    with make_deployment(Provider(seconds=1.0)) as deployment:
        api, worker = deployment.api_and_worker()
        with Caller(api, deployment.account()) as caller:
            run_id = followed(deployment, caller, MODELS["free"])
            worker.stop()
        run = deployment.run(run_id)
        assert (run.state, run.attempts) == ("completed", 0)
        check_invariants(deployment, caller.account)
        assert deployment.provider.made == {run_id: 1}


@SCENARIOS.on("sqlite", "postgres")
def a_job_that_others_can_follow_is_returned_and_not_paid_again(make_deployment: MakeDeployment) -> None:
    provider = Provider(suppresses_duplicates=False)
    provider.hold()
    with make_deployment(provider) as deployment:
        api, worker = deployment.api_and_worker()
        with Caller(api, deployment.account()) as caller:
            run_id = followed(deployment, caller, MODELS["paid"])
            # The provider does not finish meanwhile.
            worker.stop()
            run = deployment.run(run_id)
            assert (run.state, run.worker_id, run.attempts) == ("running", None, 0)
            assert deployment.submissions(run_id) == ["open"]
            check_invariants(deployment, caller.account)
            assert continue_elsewhere(deployment, api, caller, run_id)["status"] == "completed"
        assert deployment.run(run_id).attempts == 0
        assert provider.made == {run_id: 1}
        assert not provider.cancelled


@SCENARIOS.on("sqlite", "postgres")
def a_job_that_only_this_process_can_follow_is_waited_for(make_deployment: MakeDeployment) -> None:
    provider = Provider()
    provider.hold()
    with make_deployment(provider) as deployment:
        api, worker = deployment.api_and_worker()
        with Caller(api, deployment.account()) as caller:
            run_id = followed(deployment, caller, OWN)
            worker.ask_to_stop()
            time.sleep(_WHILE)
            assert worker.is_alive
            provider.release()
            worker.wait_until_gone()
        assert deployment.run(run_id).state == "completed"
        assert deployment.submissions(run_id) == ["over"]
        check_invariants(deployment, caller.account)
        assert provider.made == {run_id: 1}


def stop_twice(worker: Process) -> None:
    """Send two signals, and wait for the process to end without finishing its work."""
    worker.ask_to_stop()
    time.sleep(_WHILE)
    assert worker.is_alive
    worker.stop()


@SCENARIOS.on("sqlite", "postgres")
def a_second_signal_ends_the_waiting_for_a_job_that_only_this_process_can_follow(
    make_deployment: MakeDeployment,
) -> None:
    provider = Provider(suppresses_duplicates=False)
    provider.hold()
    with make_deployment(provider) as deployment:
        api, worker = deployment.api_and_worker()
        with Caller(api, deployment.account()) as caller:
            run_id = followed(deployment, caller, OWN)
            stop_twice(worker)
            check_invariants(deployment, caller.account)
            run = continue_elsewhere(deployment, api, caller, run_id)
        # It may have been charged for, so it is not submitted again.
        assert (run["status"], run["error_code"], run["charged_cost"]) == ("failed", "SERVER_ERROR", 0)
        assert provider.made == {run_id: 1}


@SCENARIOS.on("sqlite", "postgres")
def a_second_signal_ends_the_waiting_for_free_work(make_deployment: MakeDeployment) -> None:
    provider = Provider()
    provider.hold()
    with make_deployment(provider) as deployment:
        api, worker = deployment.api_and_worker()
        with Caller(api, deployment.account()) as caller:
            run_id = followed(deployment, caller, MODELS["free"])
            stop_twice(worker)
            assert (deployment.run(run_id).state, deployment.run(run_id).attempts) == ("pending", 0)
            assert provider.cancelled == {run_id: 1}
            assert continue_elsewhere(deployment, api, caller, run_id)["status"] == "completed"
        assert deployment.run(run_id).attempts == 0
        assert provider.made == {run_id: 2}


@SCENARIOS.on("postgres")
def a_second_signal_ends_the_waiting_for_an_unavailable_database(make_deployment: MakeDeployment) -> None:
    provider = Provider(suppresses_duplicates=False)
    provider.hold()
    with make_deployment(provider) as deployment:
        api, worker = deployment.api_and_worker()
        with Caller(api, deployment.account()) as caller:
            run_id = followed(deployment, caller, MODELS["paid"])
            with away(deployment, "refused"):
                stop_twice(worker)
            caller.wait_until_answered()
            assert continue_elsewhere(deployment, api, caller, run_id)["status"] == "completed"
        assert provider.made == {run_id: 1}


@pytest.mark.parametrize("case", SCENARIOS.cases)
def test_draining(results: Results, case: str) -> None:
    results[case].result()
