"""The database is unavailable for longer than a lease: runs end later, and nothing else changes."""

import time
from functools import partial

import pytest

from crash.checks import check_final_state, check_invariants
from crash.deployment import WORKER_TIMEOUT, Caller
from crash.outage import OUTAGES, away
from crash.provider import Provider
from crash.scenarios import MakeDeployment, Results, Scenarios
from crash.steps import MODELS, OWN

SCENARIOS = Scenarios()

# How many seconds SQLite's worker waits for a lock, instead of 30.
_BUSY = "0.2"
_AWAY_SECONDS = 1.75 * WORKER_TIMEOUT


def follow_during_an_outage(make_deployment: MakeDeployment, *, kind: str) -> None:
    """The database becomes unavailable while runs are followed; some finish meanwhile, some afterwards."""
    provider = Provider(suppresses_duplicates=False)
    provider.hold()
    with make_deployment(provider) as deployment:
        account = deployment.account()
        api, _ = deployment.api_and_worker(busy=_BUSY)
        with Caller(api, account) as caller:
            early = [caller.started(model) for model in (*MODELS.values(), OWN)]
            deployment.wait_until_followed(*early)
            provider.seconds = 1.5 * _AWAY_SECONDS
            late = [caller.started(model) for model in (*MODELS.values(), OWN)]
            started = [*early, *late]
            deployment.wait_until_followed(*started)
            with away(deployment, kind):
                provider.release()
                time.sleep(_AWAY_SECONDS)
            caller.wait_until_answered()
            assert [caller.ended(run_id)["status"] for run_id in started] == ["completed"] * len(started)
            check_final_state(deployment, caller)
            assert {deployment.run(run_id).attempts for run_id in started} == {0}
        assert provider.made == dict.fromkeys(started, 1)
        assert not provider.cancelled


def begin_during_an_outage(make_deployment: MakeDeployment, *, kind: str) -> None:
    """The database becomes unavailable between a run's claim and the read of its input media."""
    provider = Provider(suppresses_duplicates=False)
    with make_deployment(provider) as deployment:
        api, worker = deployment.api_and_worker(busy=_BUSY, gated=True, stop="after runs.claim 2")
        with Caller(api, deployment.account()) as caller:
            first = caller.ended(caller.started(MODELS["paid"]))
            picture = first["outputs"][0]["url"]
            with deployment.closed_gate():
                deployment.wait_until_claim_refused()
                run_id = caller.started(MODELS["paid"], image_url=picture)
            worker.wait_until_it_stopped_itself()
            with away(deployment, kind):
                worker.resume()
                time.sleep(_AWAY_SECONDS)
            caller.wait_until_answered()
            run = caller.ended(run_id)
            assert run["status"] == "completed", run
            check_final_state(deployment, caller)
        assert provider.made == {first["run_id"]: 1, run_id: 1}


@SCENARIOS.on("postgres")
def no_live_worker_loses_its_runs_after_an_outage(make_deployment: MakeDeployment) -> None:
    provider = Provider(suppresses_duplicates=False)
    provider.hold()
    with make_deployment(provider) as deployment:
        account = deployment.account()
        first = deployment.worker()
        with Caller(deployment.serve("--no-workers"), account) as caller:
            started = [caller.started(model) for model in MODELS.values()]
            deployment.wait_until_followed(*started)
            deployment.worker()
            # Paused for a moment, so that the other one gets runs too.
            first.pause()
            started += [caller.started(model) for model in MODELS.values()]
            deployment.wait_until_followed(*started)
            first.resume()
            held = [deployment.run(run_id) for run_id in started]
            assert len({run.worker_id for run in held}) == 2
            with away(deployment, "refused"):
                time.sleep(2 * WORKER_TIMEOUT)
            deployment.wait_for_leases(2 * WORKER_TIMEOUT)
            now = [deployment.run(run_id) for run_id in started]
            assert [(run.worker_id, run.claim, run.attempts) for run in now] == [
                (run.worker_id, run.claim, 0) for run in held
            ]
            check_invariants(deployment, account)
            caller.wait_until_answered()
            provider.release()
            assert {caller.ended(run_id)["status"] for run_id in started} == {"completed"}
            check_final_state(deployment, caller)
        assert provider.made == dict.fromkeys(started, 1)
        assert not provider.cancelled


for _outage in OUTAGES:
    _database, _kind = _outage.split(": ")
    SCENARIOS.add(f"{_kind} while runs are followed", partial(follow_during_an_outage, kind=_kind), _database)
    SCENARIOS.add(f"{_kind} while a run begins", partial(begin_during_an_outage, kind=_kind), _database)


@pytest.mark.parametrize("case", SCENARIOS.cases)
def test_an_outage_delays_ends_and_changes_nothing(results: Results, case: str) -> None:
    results[case].result()
