"""The rows of an admitted run; on PostgreSQL, one statement writes them all."""

import sqlalchemy as sa

from terrarium_server import accounts, canvas, ledger, runs
from terrarium_server.problems import NotFound
from terrarium_server.rates import Rate, RateState
from terrarium_server.runs import Run
from terrarium_server.store import Transaction


def _all_at_once() -> sa.Select[tuple[bool, int | None]]:
    """Find the project and write the run, the hold and the node in one statement of PostgreSQL."""
    entered = ledger.HOLD_ENTRY.cte("entered")
    full_at = sa.select(ledger.HELD.c.starts_full_at).scalar_subquery()
    return accounts.IS_ACTIVITY_DUE.add_columns(full_at).add_cte(
        runs.RECORD.cte("recorded"), canvas.place_at_once(after=entered).cte("placed")
    )


_ALL_AT_ONCE = _all_at_once()


def write(tx: Transaction, run: Run, rate: Rate) -> RateState:
    """Write a run, its hold and its node; return what remains of the workspace's ``rate`` of starts.

    Raises NotFound for the project, RateLimited, or InsufficientCredits.

    Two contended rows are locked, always in this order: the balance, then the project's board. PostgreSQL
    writes all in one statement (`docs/decisions/0018`). The order holds there because the part of the board
    reads the row that the part of the balance returns.
    """
    project_id, node_id = run.project_id, run.node_id
    assert project_id is not None and node_id is not None
    placing = {"type": run.type, "label": run.prompt or "", "run_id": run.run_id}
    if tx.dialect == "sqlite":
        runs.record(tx, run)
        accounts.touch_project(tx, run.workspace_id, project_id)
        state = ledger.hold(tx, run.workspace_id, run.run_id, run.held_micros, rate)
        canvas.place(tx, node_id, project_id, **placing)
        return state
    values = accounts.activity_values(tx, run.workspace_id, project_id)
    values |= runs.record_values(run)
    values |= canvas.place_values(tx, node_id, project_id, **placing)
    values |= ledger.hold_values(tx, run.workspace_id, run.run_id, run.held_micros, rate)
    row = tx.execute(_ALL_AT_ONCE, values).first()
    if row is None:
        raise NotFound
    is_activity_due, full_at = tuple(row)
    state = ledger.held_state(tx, run.workspace_id, run.held_micros, rate, full_at)
    if is_activity_due:
        accounts.note_activity(tx, run.workspace_id, project_id)
    return state
