"""The process that takes a run over is killed as well."""

from functools import partial

import pytest

from crash.checks import check_final_state, check_invariants
from crash.deployment import Caller
from crash.provider import Provider
from crash.scenarios import MakeDeployment, Results, Scenarios
from crash.steps import MODELS

SCENARIOS = Scenarios()

# The steps at which the first and the second process are killed.
_CASES = [
    "paid: before engine.poll 1, inside runs.take_over 1",
    "paid: before engine.poll 1, after runs.take_over 1",
    # The provider was not called, and that has to be found out.
    "paid: before engine.submit 1, before engine.find 1",
    "paid: before engine.submit 1, inside submissions.conclude 1",
    "paid: before engine.submit 1, after submissions.conclude 1",
    "paid: before engine.submit 1, after submissions.mark 1",
    "paid: before engine.submit 1, after engine.submit 1",
    # The provider was called, but its answer is unknown.
    "paid: after engine.submit 1, before engine.find 1",
    "paid: after engine.submit 1, inside submissions.record_ticket 1",
    "paid: after engine.submit 1, after submissions.record_ticket 1",
    "free: before engine.poll 1, inside runs.requeue_abandoned 1",
    "free: before engine.poll 1, after runs.requeue_abandoned 1",
    "free: before engine.poll 1, after runs.claim 1",
]


def kill_two(make_deployment: MakeDeployment, *, case: str) -> None:
    """Let two processes, one after the other, die while they execute a run; the third one completes it."""
    engine, steps = case.split(": ")
    first_step, second_step = steps.split(", ")
    provider = Provider(suppresses_duplicates=False)
    with make_deployment(provider) as deployment:
        account = deployment.account()
        first = deployment.serve(at=first_step, gated=True)
        with deployment.closed_gate(), Caller(first, account) as caller:
            run_id = caller.started(MODELS[engine])
        first.wait_until_it_killed_itself()
        second = deployment.serve(at=second_step)
        second.wait_until_it_killed_itself()
        check_invariants(deployment, account)
        with Caller(deployment.serve(), account) as caller:
            assert caller.ended(run_id)["status"] == "completed"
            check_final_state(deployment, caller)
    assert engine == "free" or provider.made == {run_id: 1}


for _case in _CASES:
    SCENARIOS.add(_case, partial(kill_two, case=_case), "sqlite")


@pytest.mark.parametrize("case", SCENARIOS.cases)
def test_a_run_continues_when_the_process_that_took_it_over_is_killed(results: Results, case: str) -> None:
    results[case].result()
