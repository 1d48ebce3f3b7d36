"""Batches survive the death of their processes: every run ends once, is paid once, and is told of once."""

import itertools
from functools import partial

import httpx
import pytest

from crash.checks import live_submissions
from crash.database_errors import INJECTED, Injection
from crash.deployment import GRANT_USD, Caller, Deployment, Process, wait_until
from crash.provider import Provider
from crash.scenarios import MakeDeployment, Results, Scenarios
from crash.steps import MODELS
from support.graphs import check_events, check_graph
from support.server import Account
from terrarium_server import canvas, ledger, runs
from terrarium_server.assets import outputs_of

SCENARIOS = Scenarios()

_SMALL = [MODELS["paid"], MODELS["free"]] * 3
_LARGE = [MODELS["free"]] * 180 + [MODELS["paid"]] * 20
# Each claim, and for each run its end; for the paid ones also the mark and the ticket. On SQLite some of them
# share a commit.
_LEAST_COMMITS = 10
_SHARDS = {"sqlite": 2, "postgres": 3}

# The steps at which one process after the other is killed, while a batch of 200 is executed. A number that is
# left out is that of the last run.
_DEATHS = [
    "inside runs.claim 1",
    "after runs.claim 1",
    "after settlement.complete 1",
    "inside settlement.complete 70",
    "after settlement.complete 60",
    "inside settlement.complete",
    "after settlement.complete",
]


def check_account(deployment: Deployment, account: Account, *root_run_ids: str) -> None:
    """Check the batches that an account has started, whatever their states: nothing else has been started."""
    with deployment.database.transaction() as tx:
        roots = [check_graph(tx, run_id) for run_id in root_run_ids]
        check_events(tx, account.project_id)
        assert ledger.check(tx) == []
        taken = sum((root.cost_micros or 0) if root.is_over else root.held_micros for root in roots)
        assert ledger.read_balance(tx, account.workspace_id) == round(GRANT_USD * 1_000_000) - taken
        all_runs = [run for root in roots for run in runs.read_members(tx, root.run_id)]
        outputs = outputs_of(tx, [run.run_id for run in all_runs])
        shown = [node.output_id for node in canvas.list_nodes(tx, account.project_id, limit=1000)]
    assert {run.state for run in all_runs} <= {"pending", "running", "completed"}
    assert sorted(outputs) == sorted(run.run_id for run in all_runs if run.state == "completed")
    assert all(len(kept) == 1 for kept in outputs.values())
    assert len(shown) == len(all_runs)
    assert {*shown} - {None} == {kept[0].output_id for kept in outputs.values()}


def check_made(provider: Provider, deployment: Deployment, *root_run_ids: str) -> None:
    """Check that each run was made, and the paid ones once."""
    with deployment.database.transaction() as tx:
        members = [run for run_id in root_run_ids for run in runs.read_members(tx, run_id)]
    assert {run.run_id for run in members} == provider.made.keys()
    assert {provider.made[run.run_id] for run in members if run.engine == "paid"} <= {1}
    wait_until(lambda: not live_submissions(deployment), "no job should be live at the provider")


class Executing:
    """The process that admits batches and the one that executes them: on SQLite, the same."""

    def __init__(self, deployment: Deployment, **faults: str) -> None:
        self._deployment = deployment
        self._faults = faults
        self.api, self.worker = deployment.api_and_worker(gated=True, **faults)

    def replace(self) -> None:
        """Start the next process that executes batches, after the last one was killed."""
        if self._deployment.database.is_sqlite:
            self.api = self.worker = self._deployment.serve(gated=True, **self._faults)
        else:
            self.worker = self._deployment.worker(gated=True, **self._faults)


def kill_after_each_commit(make_deployment: MakeDeployment, *, first: int, step: int) -> None:
    """Kill the worker of one batch after its first commit, that of the next one after its second, and so on.

    It begins with the commit ``first``, and leaves those in between the steps to other scenarios.
    """
    provider = Provider(suppresses_duplicates=False)
    with make_deployment(provider) as deployment:
        account = deployment.account()
        processes = Executing(deployment, errors=str(deployment.errors))
        started: list[str] = []
        for number in itertools.count(first, step):
            with deployment.closed_gate(), Caller(processes.api, account) as caller:
                deployment.wait_until_claim_refused()
                started.append(caller.start_batch(_SMALL, max_parallel=2).json()["run_id"])
                deployment.inject(Injection(number, "killed", number, number))
            was_killed = wait_for_end_or_death(deployment, processes.worker, started[-1], number)
            check_account(deployment, account, *started)
            if was_killed:
                processes.replace()
            with Caller(processes.api, account) as caller:
                assert caller.ended(started[-1])["counts"]["completed"] == len(_SMALL)
            if not was_killed:
                assert number >= _LEAST_COMMITS
                break
        check_account(deployment, account, *started)
        check_made(provider, deployment, *started)


def wait_for_end_or_death(deployment: Deployment, worker: Process, run_id: str, number: int) -> bool:
    """Wait until a run has ended or the worker was killed as instructed; return whether it was."""
    wait_until(lambda: not worker.is_alive or deployment.run(run_id).is_over, "it should end, or die")
    # It is announced before the commit that may have ended the run.
    was_killed = f"{INJECTED}{number} " in worker.printed
    if was_killed:
        worker.wait_until_gone()
    assert worker.is_alive is not was_killed, worker.printed
    return was_killed


def kill_during_a_large_batch(make_deployment: MakeDeployment) -> None:
    """Kill one process after the other while 200 runs are executed."""
    provider = Provider(suppresses_duplicates=False)
    with make_deployment(provider) as deployment:
        account = deployment.account()
        api = deployment.serve("--no-workers")
        with Caller(api, account) as caller:
            answer = caller.start_batch(_LARGE)
            assert answer.status_code == 201, answer.text
            run_id = answer.json()["run_id"]
        if deployment.database.is_sqlite:
            api.stop()
        for death in _DEATHS:
            left = deployment.run(run_id).waits_for
            at = death if death[-1].isdigit() else f"{death} {left}"
            executing = deployment.serve if deployment.database.is_sqlite else deployment.worker
            executing(at=at).wait_until_it_killed_itself()
            check_account(deployment, account, run_id)
        last, _ = deployment.api_and_worker()
        with Caller(last, account) as caller:
            run = caller.ended(run_id)
            assert (run["status"], run["counts"]["completed"]) == ("completed", len(_LARGE))
            check_account(deployment, account, run_id)
            check_made(provider, deployment, run_id)


@SCENARIOS.on("sqlite", "postgres")
def a_batch_is_admitted_whole_or_not_at_all(make_deployment: MakeDeployment) -> None:
    provider = Provider()
    with make_deployment(provider) as deployment:
        account = deployment.account()
        api_only = "--no-workers"
        for step in ("inside", "after"):
            killed = deployment.serve(api_only, at=f"{step} admission.admit_graph 1")
            with Caller(killed, account) as caller, pytest.raises(httpx.TransportError):
                caller.start_batch(_SMALL, key="once")
            killed.wait_until_it_killed_itself()
            if step == "inside":
                check_account(deployment, account)
        api, _ = deployment.api_and_worker()
        with Caller(api, account) as caller:
            answer = caller.start_batch(_SMALL, key="once")
            assert answer.status_code == 409
            run_id = answer.headers["location"].rpartition("/")[2]
            assert caller.ended(run_id)["counts"]["completed"] == len(_SMALL)
        check_account(deployment, account, run_id)
        check_made(provider, deployment, run_id)


for _database, _shards in _SHARDS.items():
    for _first in range(1, _shards + 1):
        _scenario = partial(kill_after_each_commit, first=_first, step=_shards)
        _name = f"a small batch, a kill after each commit: every {_shards} from {_first}"
        SCENARIOS.add(_name, _scenario, _database)
SCENARIOS.add("two hundred runs", kill_during_a_large_batch, "sqlite", "postgres")


@pytest.mark.parametrize("case", SCENARIOS.cases)
def test_a_batch_survives(results: Results, case: str) -> None:
    results[case].result()
