"""The rows of an admitted run; on PostgreSQL, one statement writes them all."""

import sqlalchemy as sa

from terrarium_server import accounts, canvas, ledger, runs
from terrarium_server.problems import InsufficientCredits, NotFound
from terrarium_server.runs import Run
from terrarium_server.store import Transaction


def _all_at_once() -> sa.Select[tuple[int, str | None]]:
    """Find the project and write the run, the hold and the node in one statement of PostgreSQL."""
    held = ledger.MOVE_AT_ONCE.cte("held")
    return accounts.LAST_MODIFIED.add_columns(sa.select(held.c.entry_id).scalar_subquery()).add_cte(
        runs.RECORD.cte("recorded"), canvas.place_at_once(after=held).cte("placed")
    )


_ALL_AT_ONCE = _all_at_once()


def write(tx: Transaction, run: Run) -> None:
    """Write a run, its hold and its node. Raises NotFound for the project, or InsufficientCredits.

    Two contended rows are locked, always in this order: the balance, then the project's board. PostgreSQL
    writes all in one statement (`docs/decisions/0018`). The order holds there because the part of the board
    reads the row that the part of the balance returns.
    """
    project_id, node_id = run.project_id, run.node_id
    assert project_id is not None and node_id is not None
    placing = {"type": run.type, "label": run.prompt or "", "run_id": run.run_id}
    if tx.dialect == "sqlite":
        runs.record(tx, run)
        ledger.hold(tx, run.workspace_id, run.run_id, run.held_micros)
        accounts.touch_project(tx, run.workspace_id, project_id)
        canvas.place(tx, node_id, project_id, **placing)
        return
    values = {"project": project_id, "workspace": run.workspace_id}
    values |= runs.record_values(run)
    values |= canvas.place_values(tx, node_id, project_id, **placing)
    values |= ledger.hold_values(tx, run.workspace_id, run.run_id, run.held_micros)
    row = tx.execute(_ALL_AT_ONCE, values).first()
    if row is None:
        raise NotFound
    last_modified, entry_id = tuple(row)
    if entry_id is None:
        raise InsufficientCredits
    accounts.note_activity(tx, project_id, last_modified)
