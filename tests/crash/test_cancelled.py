"""A run is cancelled: its job is cancelled at the provider, even if its worker is dead."""

from functools import partial

import pytest

from crash.checks import check_final_state, check_invariants
from crash.deployment import Caller, wait_until
from crash.provider import Provider
from crash.scenarios import MakeDeployment, Results, Scenarios
from crash.steps import MODELS

SCENARIOS = Scenarios()

# The step at which the worker dies, and how often it has called the provider by then.
_SUBMITTED = {"before engine.poll 1": 1, "after engine.submit 1": 1, "before engine.submit 1": 0}


def cancel_for_a_dead_worker(make_deployment: MakeDeployment, *, step: str) -> None:
    """A run is cancelled after its worker was killed: the next worker cancels its job."""
    calls = _SUBMITTED[step]
    provider = Provider()
    provider.hold()
    with make_deployment(provider) as deployment:
        account = deployment.account()
        api, killed = deployment.api_and_worker(at=step, gated=True)
        with deployment.closed_gate(), Caller(api, account) as caller:
            run_id = caller.started(MODELS["paid"])
        killed.wait_until_it_killed_itself()
        if deployment.database.is_sqlite:
            api = deployment.serve("--no-workers")
        with Caller(api, account) as caller:
            caller.cancel(run_id)
        check_invariants(deployment, account)
        assert (provider.made[run_id], provider.cancelled[run_id]) == (calls, 0)
        if deployment.database.is_sqlite:
            api.stop()
        api, _ = deployment.api_and_worker()
        with Caller(api, account) as caller:
            [run] = check_final_state(deployment, caller)
            assert (run["status"], run["error_code"]) == ("failed", "GENERATION_CANCELLED")
        assert (provider.made[run_id], provider.cancelled[run_id]) == (calls, calls)
        assert deployment.submissions(run_id) == ["cancelled" if calls else "void"]


def cancel_for_a_living_worker(make_deployment: MakeDeployment, *, model: str) -> None:
    """A worker itself cancels the job of a cancelled run, whichever process received the request."""
    provider = Provider()
    provider.hold()
    with make_deployment(provider) as deployment:
        api, _ = deployment.api_and_worker(chores="3600")
        with Caller(api, deployment.account()) as caller:
            run_id = caller.started(model)
            deployment.wait_until_followed(run_id)
            caller.cancel(run_id)
            wait_until(lambda: provider.cancelled == {run_id: 1}, "the job should be cancelled")
            check_final_state(deployment, caller)


@SCENARIOS.on("postgres")
def a_job_that_is_submitted_after_the_run_was_cancelled_is_cancelled_too(
    make_deployment: MakeDeployment,
) -> None:
    provider = Provider()
    provider.hold()
    with make_deployment(provider) as deployment:
        with Caller(deployment.serve("--no-workers"), deployment.account()) as caller:
            stopped = deployment.worker(stop="before engine.submit 1")
            run_id = caller.started(MODELS["paid"])
            stopped.wait_until_it_stopped_itself()
            deployment.worker()
            wait_until(lambda: provider.searches[run_id] > 0, "the other one should ask the provider")
            caller.cancel(run_id)
            # The other worker cleans up orphans, and must not conclude that this call cannot come any more.
            before = provider.searches[run_id]
            wait_until(lambda: provider.searches[run_id] > before + 2, "the other one should ask again")
            stopped.resume()
            wait_until(lambda: provider.cancelled == {run_id: 1}, "the job should be cancelled")
            check_final_state(deployment, caller)
        assert provider.made == {run_id: 1}


for _step in _SUBMITTED:
    _scenario = partial(cancel_for_a_dead_worker, step=_step)
    SCENARIOS.add(f"its worker died {_step}", _scenario, "sqlite", "postgres")
for _engine, _model in MODELS.items():
    _scenario = partial(cancel_for_a_living_worker, model=_model)
    SCENARIOS.add(f"its worker lives, {_engine}", _scenario, "sqlite", "postgres")


@pytest.mark.parametrize("case", SCENARIOS.cases)
def test_a_cancelled_run_is_stopped_at_its_provider(results: Results, case: str) -> None:
    results[case].result()
