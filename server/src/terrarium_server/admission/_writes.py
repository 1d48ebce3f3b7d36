import sqlalchemy as sa

from terrarium_server import accounts, canvas, ledger, runs
from terrarium_server.problems import InsufficientCredits, NotFound
from terrarium_server.runs import Run
from terrarium_server.store import Transaction


def _all_at_once() -> sa.Select[tuple[int, str | None]]:
    """Find the project and write everything: nothing of it stands unless the caller commits."""
    held = ledger.MOVE_AT_ONCE.cte("held")
    return accounts.LAST_MODIFIED.add_columns(sa.select(held.c.entry_id).scalar_subquery()).add_cte(
        runs.RECORD.cte("recorded"), canvas.PLACE_AT_ONCE.cte("placed")
    )


_ALL_AT_ONCE = _all_at_once()


def write(tx: Transaction, run: Run) -> None:
    """Write a run, its node and its hold. Raises NotFound for the project, or InsufficientCredits.

    PostgreSQL does it in one round trip, in which the two rows that others wait for, the board's and the
    balance's, are locked. On both databases every admission takes them in the same order, so that no two
    wait for each other.
    """
    if tx.dialect == "sqlite":
        runs.record(tx, run)
        accounts.touch_project(tx, run.workspace_id, run.project_id)
        canvas.place(tx, run.node_id, run.project_id, type=run.type, label=run.prompt, run_id=run.run_id)
        ledger.hold(tx, run.workspace_id, run.run_id, run.held_micros)
        return
    values = {"project": run.project_id, "workspace": run.workspace_id}
    values |= runs.record_values(run)
    values |= canvas.place_values(
        tx, run.node_id, run.project_id, type=run.type, label=run.prompt, run_id=run.run_id
    )
    values |= ledger.hold_values(tx, run.workspace_id, run.run_id, run.held_micros)
    row = tx.execute(_ALL_AT_ONCE, values).first()
    if row is None:
        raise NotFound
    last_modified, entry_id = tuple(row)
    if entry_id is None:
        raise InsufficientCredits
    accounts.note_activity(tx, run.project_id, last_modified)
