"""PostgreSQL: the clocks of the machines are far apart, and no live worker loses its runs."""

from functools import partial

import pytest

from crash.checks import check_final_state, check_invariants
from crash.deployment import WORKER_TIMEOUT, Caller
from crash.provider import Provider
from crash.scenarios import MakeDeployment, Results, Scenarios
from crash.steps import MODELS

SCENARIOS = Scenarios()

_APART = 15


def go_by_the_databases_clock(make_deployment: MakeDeployment, *, first_ahead: int) -> None:
    """Two workers, one with its clock ahead and one behind: each keeps its runs until it dies."""
    provider = Provider()
    provider.hold()
    with make_deployment(provider) as deployment:
        account = deployment.account()
        with Caller(deployment.serve("--no-workers"), account) as caller:
            started: list[str] = []
            pair = [deployment.worker(clock=str(ahead)) for ahead in (first_ahead, -first_ahead)]
            for other in reversed(pair):
                # Paused for a moment, so that each of them gets runs.
                other.pause()
                started += [caller.started(model) for model in MODELS.values()]
                deployment.wait_until_followed(*started)
                other.resume()
            held = {run_id: deployment.run(run_id) for run_id in started}
            assert len({run.worker_id for run in held.values()}) == 2
            deployment.wait_for_leases(3 * WORKER_TIMEOUT)
            for run_id, before in held.items():
                run = deployment.run(run_id)
                assert (run.worker_id, run.claim, run.attempts) == (before.worker_id, before.claim, 0)
            check_invariants(deployment, account)

            # A dead worker is noticed all the same.
            pair[0].kill()
            provider.release()
            assert {caller.ended(run_id)["status"] for run_id in started} == {"completed"}
            check_final_state(deployment, caller)
        assert {provider.made[run_id] for run_id, run in held.items() if run.engine == "paid"} == {1}
        assert not provider.cancelled


for _ahead in (_APART, -_APART):
    SCENARIOS.add(
        f"the first is {_ahead} s ahead", partial(go_by_the_databases_clock, first_ahead=_ahead), "postgres"
    )


@pytest.mark.parametrize("case", SCENARIOS.cases)
def test_leases_go_by_the_databases_clock(results: Results, case: str) -> None:
    results[case].result()
