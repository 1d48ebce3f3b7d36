"""Single writes and commits of a worker fail, or seem to fail: the run completes, and is paid once."""

import itertools
import re
from functools import partial

import pytest

from crash.checks import check_final_state, check_invariants
from crash.database_errors import INJECTED, ErrorKind, Injection
from crash.deployment import Caller
from crash.provider import Provider
from crash.scenarios import MakeDeployment, Results, Scenarios
from crash.steps import MODELS

SCENARIOS = Scenarios()

_HOW: dict[str, tuple[ErrorKind, int]] = {
    "lost answer": ("lost answer", 1),
    "refused commit": ("refused commit", 1),
    "failed write": ("failed write", 1),
    "failed writes in a row": ("failed write", 3),
}
# A claim, its progress and its end; for paid runs also the mark and the ticket. The end has several writes:
# the run, its credits, its output and the canvas.
_LEAST = {"free: commit": 3, "paid: commit": 5, "free: write": 6, "paid: write": 9}


def fail_each_in_turn(make_deployment: MakeDeployment, *, engine: str, how: str) -> None:
    """Make the first commit (or write) of a run fail, the second one of the next run, and so on."""
    kind, count = _HOW[how]
    injected: list[str] = []
    provider = Provider(suppresses_duplicates=False, seconds=0.2)
    with make_deployment(provider) as deployment:
        account = deployment.account()
        errors = str(deployment.errors)
        api, worker = deployment.api_and_worker(gated=True, errors=errors, chores="3600", show="0")
        with Caller(api, account) as caller:
            for number in itertools.count(1):
                with deployment.closed_gate():
                    deployment.wait_until_claim_refused()
                    run_id = caller.started(MODELS[engine])
                    deployment.inject(Injection(number, kind, number, number + count - 1))
                run = caller.ended(run_id)
                assert run["status"] == "completed", (number, injected, run)
                assert provider.made[run_id] == 1, (number, injected)
                assert deployment.run(run_id).attempts == 0, (number, injected)
                check_invariants(deployment, account)
                lines = re.findall(f"{INJECTED}{number} (.*)", worker.printed)
                if not lines:
                    break
                injected += lines
            check_final_state(deployment, caller)
        assert set(provider.made.values()) == {1}
        assert not provider.cancelled
    assert len(injected) >= _LEAST[f"{engine}: {'write' if 'write' in how else 'commit'}"], injected


for _engine in MODELS:
    for _how in _HOW:
        _scenario = partial(fail_each_in_turn, engine=_engine, how=_how)
        SCENARIOS.add(f"{_engine}: {_how}", _scenario, "sqlite", "postgres")


@pytest.mark.parametrize("case", SCENARIOS.cases)
def test_a_run_completes_whichever_write_fails_at_first(results: Results, case: str) -> None:
    results[case].result()
