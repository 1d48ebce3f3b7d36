"""A process with many runs is killed, and a run kills every process that executes it."""

import random
import time
from functools import partial

import pytest

from crash.checks import check_final_state, check_invariants
from crash.deployment import Caller, Deployment, Process
from crash.provider import Provider
from crash.scenarios import MakeDeployment, Results, Scenarios
from crash.steps import MODELS

_RUNS = 20
_DEATHS = 5

SCENARIOS = Scenarios()


def start_executing(deployment: Deployment, at: str = "") -> Process:
    """Start one more process that executes runs."""
    return deployment.serve(at=at) if deployment.database.is_sqlite else deployment.worker(at=at)


def end_all(make_deployment: MakeDeployment, *, seed: int) -> None:
    """Kill a process at a random moment while it executes many runs: they all complete."""
    chance = random.Random(seed)
    with make_deployment(Provider(seconds=0.3)) as deployment:
        account = deployment.account()
        killed = start_executing(deployment)
        api = killed
        if not deployment.database.is_sqlite:
            api = deployment.serve("--no-workers")
            deployment.worker()
        with Caller(api, account) as caller:
            models = [chance.choice([*MODELS.values()]) for _ in range(_RUNS)]
            started = {caller.started(model): model for model in models}
        time.sleep(chance.uniform(0.0, 0.5))
        killed.kill()
        check_invariants(deployment, account)

        with Caller(deployment.serve() if deployment.database.is_sqlite else api, account) as caller:
            assert {caller.ended(run_id)["status"] for run_id in started} == {"completed"}
            assert sorted(run["run_id"] for run in check_final_state(deployment, caller)) == sorted(started)
        made = deployment.provider.made
        assert {made[run_id] for run_id, model in started.items() if model == MODELS["paid"]} == {1}
        assert {made[run_id] for run_id in started} <= {1, 2}


def give_up(make_deployment: MakeDeployment, *, model: str) -> None:
    """Let a run kill five processes that execute it: the sixth fails it."""
    with make_deployment(Provider()) as deployment:
        account = deployment.account()
        # This process only admits the run: it is killed before it claims anything.
        api = deployment.serve(gated=True)
        with deployment.closed_gate(), Caller(api, account) as caller:
            run_id = caller.started(model)
            api.kill()
        for _ in range(_DEATHS):
            check_invariants(deployment, account)
            start_executing(deployment, at="before engine.poll 1").wait_until_it_killed_itself()

        with Caller(deployment.serve(), account) as caller:
            run = caller.ended(run_id)
            assert (run["status"], run["error_code"], run["charged_cost"]) == ("failed", "SERVER_ERROR", 0)
            assert str(_DEATHS) in run["error_message"]
            check_final_state(deployment, caller)


for _seed in (1, 2):
    _name = f"runs in flight all end though their process is killed, {_seed}"
    SCENARIOS.add(_name, partial(end_all, seed=_seed), "sqlite", "postgres")
for _engine, _model in MODELS.items():
    _name = f"a {_engine} run that kills every process is failed"
    SCENARIOS.add(_name, partial(give_up, model=_model), "sqlite", "postgres")


@pytest.mark.parametrize("case", SCENARIOS.cases)
def test_many_runs_and_many_deaths(results: Results, case: str) -> None:
    results[case].result()
