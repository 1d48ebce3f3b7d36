"""What must hold about runs, credits and jobs at providers, whatever befell whom."""

from collections import Counter
from typing import Any

import sqlalchemy as sa

from crash.world import GRANT_USD, Caller, World, wait_until
from support.server import Account
from terrarium_server import ledger, runs
from terrarium_server.assets import outputs_of
from terrarium_server.execution import submissions
from terrarium_server.ledger import entries
from terrarium_server.store import Transaction

_STEADY = {
    "sqlite": sa.text("BEGIN"),
    "postgresql": sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"),
}
_GRANT = round(GRANT_USD * 1_000_000)


def check_at_any_moment(world: World, account: Account) -> None:
    """The books balance, and what is held is held for unfinished runs."""
    with world.database.transaction() as tx:
        # One view of everything: whoever lives goes on meanwhile.
        tx.execute(_STEADY[tx.dialect])
        assert ledger.check(tx) == []
        balance = ledger.read_balance(tx, account.workspace_id)
        written = _entries(tx, account)
        found = runs.list_runs(tx, account.workspace_id, limit=1000)
    assert balance == sum(amount for _, _, amount in written)
    opened = {run_id: -amount for run_id, phase, amount in written if phase == "open"}
    closed = {run_id for run_id, phase, _ in written if phase == "close"}
    still_held = {run_id: amount for run_id, amount in opened.items() if run_id not in closed}
    assert still_held == {run.run_id: run.held_micros for run in found if not run.is_over}
    assert sorted(opened) == sorted(run.run_id for run in found)


def check_at_the_end(world: World, caller: Caller) -> list[dict[str, Any]]:
    """Every run is over, made and paid once, and no provider works for any; returns them as callers see them.

    There must be a worker, which sees to what is left at the provider.
    """
    check_at_any_moment(world, caller.account)
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
    with world.database.transaction() as tx:
        balance = ledger.read_balance(tx, caller.account.workspace_id)
        phases = [(run_id, phase) for run_id, phase, _ in _entries(tx, caller.account) if run_id]
        recorded = {
            run_id: len(kept) for run_id, kept in outputs_of(tx, (one["run_id"] for one in listed)).items()
        }
    assert sorted(phases) == sorted((run["run_id"], phase) for run in listed for phase in ("close", "open"))
    assert balance == _GRANT - sum(round(run["charged_cost"] * 1_000_000) for run in completed)
    assert recorded == {run["run_id"]: 1 for run in completed}
    wait_until(lambda: live_submissions(world) == Counter(), "no job is left at the provider")
    return listed


def live_submissions(world: World) -> Counter[str]:
    """How many submissions of each run may yet come to something."""
    statement = sa.select(submissions.c.run_id).where(submissions.c.state.in_(("marked", "open")))
    with world.database.transaction() as tx:
        return Counter(row[0] for row in tx.execute(statement))


def _entries(tx: Transaction, account: Account) -> list[tuple[str, str, int]]:
    """Each entry's run and phase, empty for what belongs to no run, and its amount."""
    statement = sa.select(entries.c.run_id, entries.c.phase, entries.c.amount_micros)
    rows = tx.execute(statement.where(entries.c.workspace_id == account.workspace_id)).all()
    return [(run_id or "", phase or "", int(amount)) for run_id, phase, amount in map(tuple, rows)]
