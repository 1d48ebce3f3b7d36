"""Checks of runs, credits and jobs at providers that must hold after any fault."""

from collections import Counter
from typing import Any

import sqlalchemy as sa

from crash.deployment import GRANT_USD, Caller, Deployment, wait_until
from support.server import Account
from terrarium_server import ledger, runs
from terrarium_server.assets import outputs_of
from terrarium_server.execution import submissions
from terrarium_server.ledger import entries
from terrarium_server.store import Transaction

# One snapshot for all reads of a transaction.
_SNAPSHOT = {
    "sqlite": sa.text("BEGIN"),
    "postgresql": sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"),
}
_GRANT = round(GRANT_USD * 1_000_000)


def check_invariants(deployment: Deployment, account: Account) -> None:
    """Check what must hold at any moment: the ledger balances, and all holds are of unfinished runs."""
    with deployment.database.transaction() as tx:
        # Live processes go on writing meanwhile.
        tx.execute(_SNAPSHOT[tx.dialect])
        assert ledger.check(tx) == []
        balance = ledger.read_balance(tx, account.workspace_id)
        rows = _entries(tx, account)
        all_runs = runs.list_runs(tx, account.workspace_id, limit=1000)
    assert balance == sum(amount for _, _, amount in rows)
    opened = {run_id: -amount for run_id, phase, amount in rows if phase == "open"}
    closed = {run_id for run_id, phase, _ in rows if phase == "close"}
    still_held = {run_id: amount for run_id, amount in opened.items() if run_id not in closed}
    assert still_held == {run.run_id: run.held_micros for run in all_runs if not run.is_over}
    assert sorted(opened) == sorted(run.run_id for run in all_runs)


def check_final_state(deployment: Deployment, caller: Caller) -> list[dict[str, Any]]:
    """Check that every run has ended, was generated and paid once, and has no live job at a provider.

    Returns the runs as the API shows them. A worker must be running, which cancels orphaned jobs.
    """
    check_invariants(deployment, caller.account)
    listed = caller.get("/generations?limit=100")["generations"]
    assert {run["status"] for run in listed} <= {"completed", "failed"}
    completed = [run for run in listed if run["status"] == "completed"]
    for run in completed:
        outputs = run["outputs"]
        assert len(outputs) == 1
        assert caller.download(outputs[0]["url"]) == f"made for {run['run_id']}".encode()
    # Each run has one node, and it shows the run's one output.
    nodes = caller.get(f"/projects/{caller.account.project_id}/nodes?limit=100")["nodes"]
    shown = sorted(node["url"] for node in nodes if node["url"])
    assert shown == sorted(run["outputs"][0]["url"] for run in completed)
    assert len(nodes) == len(listed)
    with deployment.database.transaction() as tx:
        balance = ledger.read_balance(tx, caller.account.workspace_id)
        phases = [(run_id, phase) for run_id, phase, _ in _entries(tx, caller.account) if run_id]
        recorded = {
            run_id: len(kept) for run_id, kept in outputs_of(tx, (one["run_id"] for one in listed)).items()
        }
    assert sorted(phases) == sorted((run["run_id"], phase) for run in listed for phase in ("close", "open"))
    assert balance == _GRANT - sum(round(run["charged_cost"] * 1_000_000) for run in completed)
    assert recorded == {run["run_id"]: 1 for run in completed}
    wait_until(lambda: live_submissions(deployment) == Counter(), "no job should be live at the provider")
    return listed


def live_submissions(deployment: Deployment) -> Counter[str]:
    """Return the number of live submissions of each run."""
    statement = sa.select(submissions.c.run_id).where(submissions.c.state.in_(("marked", "open")))
    with deployment.database.transaction() as tx:
        return Counter(row[0] for row in tx.execute(statement))


def _entries(tx: Transaction, account: Account) -> list[tuple[str, str, int]]:
    """Return each entry's run and phase, empty if it belongs to no run, and its amount."""
    statement = sa.select(entries.c.run_id, entries.c.phase, entries.c.amount_micros)
    rows = tx.execute(statement.where(entries.c.workspace_id == account.workspace_id)).all()
    return [(run_id or "", phase or "", int(amount)) for run_id, phase, amount in map(tuple, rows)]
