"""It is unknown whether a call arrived: nothing is paid twice, and a call that arrives late is not lost."""

from functools import partial
from typing import Literal

import pytest

from crash.checks import check_final_state
from crash.deployment import Caller, wait_until
from crash.provider import Provider
from crash.scenarios import MakeDeployment, Results, Scenarios
from crash.steps import MODELS

SCENARIOS = Scenarios()

# Shorter than the wait for a suspended worker, and longer than a lease.
_SILENCE = "3"


@SCENARIOS.on("postgres")
def a_ticket_that_is_recorded_late_is_waited_for(make_deployment: MakeDeployment) -> None:
    provider = Provider(suppresses_duplicates=False, searchable=False)
    with make_deployment(provider) as deployment:
        with Caller(deployment.serve("--no-workers"), deployment.account()) as caller:
            stopped = deployment.worker(stop="after engine.submit 1")
            run_id = caller.started(MODELS["paid"])
            stopped.wait_until_it_stopped_itself()
            deployment.worker()
            wait_until(lambda: provider.searches[run_id] > 1, "the other one should ask the provider")
            assert deployment.submissions(run_id) == ["marked"]
            stopped.resume()
            assert caller.ended(run_id)["status"] == "completed"
            check_final_state(deployment, caller)
        assert provider.made == {run_id: 1}
        assert not provider.cancelled


@SCENARIOS.on("postgres")
def a_call_that_is_made_after_the_run_has_failed_is_recorded_and_cancelled(
    make_deployment: MakeDeployment,
) -> None:
    provider = Provider(suppresses_duplicates=False)
    provider.hold()
    with make_deployment(provider) as deployment:
        with Caller(deployment.serve("--no-workers"), deployment.account()) as caller:
            stopped = deployment.worker(stop="before engine.submit 1")
            run_id = caller.started(MODELS["paid"])
            stopped.wait_until_it_stopped_itself()
            deployment.worker(silence=_SILENCE)
            run = caller.ended(run_id)
            assert (run["status"], run["charged_cost"]) == ("failed", 0)
            assert deployment.submissions(run_id) == ["unknown"]
            assert not provider.made
            stopped.resume()
            wait_until(lambda: provider.cancelled == {run_id: 1}, "the late call should be stopped")
            check_final_state(deployment, caller)
        assert deployment.submissions(run_id) == ["cancelled"]
        assert provider.made == {run_id: 1}


@SCENARIOS.on("sqlite", "postgres")
def a_call_with_an_unknown_outcome_is_not_paid_twice(make_deployment: MakeDeployment) -> None:
    provider = Provider(suppresses_duplicates=False, searchable=False)
    with make_deployment(provider) as deployment:
        account = deployment.account()
        api, killed = deployment.api_and_worker(at="after engine.submit 1", gated=True)
        with deployment.closed_gate(), Caller(api, account) as caller:
            run_id = caller.started(MODELS["paid"])
        killed.wait_until_it_killed_itself()
        with Caller(deployment.serve(), account) as caller:
            run = caller.ended(run_id)
            assert (run["status"], run["charged_cost"]) == ("failed", 0)
            check_final_state(deployment, caller)
        assert deployment.submissions(run_id) == ["unknown"]
        assert provider.made == {run_id: 1}


def close_connection(make_deployment: MakeDeployment, *, moment: Literal["before", "after"]) -> None:
    """The connection closes while a job is submitted: the run fails, and its job, if any, is cancelled."""
    provider = Provider(suppresses_duplicates=False, closes_connection=moment)
    provider.hold()
    with make_deployment(provider) as deployment:
        api, _ = deployment.api_and_worker()
        with Caller(api, deployment.account()) as caller:
            run_id = caller.started(MODELS["paid"])
            assert caller.ended(run_id)["charged_cost"] == 0
            check_final_state(deployment, caller)
        made = 1 if moment == "after" else 0
        assert (provider.made[run_id], provider.cancelled[run_id]) == (made, made)
        assert deployment.submissions(run_id) == ["cancelled" if made else "void"]


SCENARIOS.add(
    "the connection closes before the job is accepted",
    partial(close_connection, moment="before"),
    "sqlite",
    "postgres",
)
SCENARIOS.add(
    "the connection closes before the answer", partial(close_connection, moment="after"), "sqlite", "postgres"
)


@pytest.mark.parametrize("case", SCENARIOS.cases)
def test_uncertain_calls_are_paid_at_most_once(results: Results, case: str) -> None:
    results[case].result()
