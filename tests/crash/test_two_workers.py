"""PostgreSQL: one of two workers is killed at a step and stays away; the other one takes its run over."""

from functools import partial

import pytest

from crash.checks import check_final_state, check_invariants
from crash.deployment import Caller
from crash.provider import Provider
from crash.scenarios import MakeDeployment, Results, Scenarios
from crash.steps import EXECUTION, MODELS, times_made

SCENARIOS = Scenarios()

# A repeatable engine has no submission rows, so these are all the different cases.
_CASES = [
    *(case for case in EXECUTION if case.startswith("paid: ")),
    "free: after runs.claim 1",
    "free: after engine.submit 1",
    "free: after assets.keep 1",
    "free: inside settlement.complete 1",
    "free: after settlement.complete 1",
]


def kill_one_of_two(make_deployment: MakeDeployment, *, case: str) -> None:
    """Let the worker that executes a run die at a step; the other one completes it and pays nothing twice."""
    engine, step = case.split(": ")
    provider = Provider(suppresses_duplicates=False)
    with make_deployment(provider) as deployment:
        account = deployment.account()
        with Caller(deployment.serve("--no-workers"), account) as caller:
            with deployment.closed_gate():
                deployment.worker(gated=True)
                killed = deployment.worker(at=step)
                run_id = caller.started(MODELS[engine])
                killed.wait_until_it_killed_itself()
            check_invariants(deployment, account)
            assert caller.ended(run_id)["status"] == "completed"
            assert [run["run_id"] for run in check_final_state(deployment, caller)] == [run_id]
    assert provider.made[run_id] in times_made(case)


for _case in _CASES:
    SCENARIOS.add(_case, partial(kill_one_of_two, case=_case), "postgres")


@pytest.mark.parametrize("case", SCENARIOS.cases)
def test_the_other_worker_completes_the_run(results: Results, case: str) -> None:
    results[case].result()
