"""SQLite: the only process is killed at a step, and started again."""

from functools import partial

import pytest

from crash.checks import check_final_state, check_invariants
from crash.deployment import Caller
from crash.provider import Provider
from crash.scenarios import MakeDeployment, Results, Scenarios
from crash.steps import EXECUTION, MODELS, OWN, times_made

SCENARIOS = Scenarios()

# The end of a run whose job only the killed process could follow.
_OWN = {
    "before engine.submit 1": "completed",
    "after engine.submit 1": "failed",
    "before engine.poll 1": "failed",
    "inside settlement.complete 1": "failed",
    "after settlement.complete 1": "completed",
}


def kill_and_start_again(make_deployment: MakeDeployment, *, case: str) -> None:
    """Let the process that executes a run die at a step; the next one completes it and pays nothing twice."""
    engine, step = case.split(": ")
    provider = Provider(suppresses_duplicates=False)
    with make_deployment(provider) as deployment:
        account = deployment.account()
        killed = deployment.serve(at=step, gated=True)
        with deployment.closed_gate(), Caller(killed, account) as caller:
            run_id = caller.started(MODELS[engine])
        killed.wait_until_it_killed_itself()
        check_invariants(deployment, account)

        with Caller(deployment.serve(), account) as caller:
            assert caller.ended(run_id)["status"] == "completed"
            assert [run["run_id"] for run in check_final_state(deployment, caller)] == [run_id]
    assert provider.made[run_id] in times_made(case)


def kill_the_only_one_that_can_follow(make_deployment: MakeDeployment, *, step: str) -> None:
    """Let the only process that can follow a job die: a job that was paid for is not submitted again."""
    provider = Provider(suppresses_duplicates=False)
    with make_deployment(provider) as deployment:
        account = deployment.account()
        killed = deployment.serve(at=step, gated=True)
        with deployment.closed_gate(), Caller(killed, account) as caller:
            run_id = caller.started(OWN)
        killed.wait_until_it_killed_itself()
        check_invariants(deployment, account)

        with Caller(deployment.serve(), account) as caller:
            assert caller.ended(run_id)["status"] == _OWN[step]
            [run] = check_final_state(deployment, caller)
        assert run["status"] == "completed" or run["charged_cost"] == 0
    assert provider.made == {run_id: 1}


for _case in EXECUTION:
    SCENARIOS.add(_case, partial(kill_and_start_again, case=_case), "sqlite")

for _step in _OWN:
    _scenario = partial(kill_the_only_one_that_can_follow, step=_step)
    SCENARIOS.add(f"followed by it alone: {_step}", _scenario, "sqlite")


@pytest.mark.parametrize("case", SCENARIOS.cases)
def test_a_run_continues_and_is_not_paid_twice(results: Results, case: str) -> None:
    results[case].result()
