"""The rows of admitted runs. Of a run alone, one statement of PostgreSQL writes most of them."""

from collections.abc import Sequence

import sqlalchemy as sa

from terrarium_server import accounts, canvas, events, ledger, runs
from terrarium_server.canvas import Placed
from terrarium_server.problems import NotFound
from terrarium_server.rates import Rate, RateState
from terrarium_server.runs import Edge, Run
from terrarium_server.store import Transaction


def _all_at_once() -> sa.Select[tuple[bool, int | None]]:
    """Find the project and write the run, the hold and the node in one statement of PostgreSQL."""
    entered = ledger.HOLD_ENTRY.cte("entered")
    full_at = sa.select(ledger.HELD.c.starts_full_at).scalar_subquery()
    return accounts.IS_ACTIVITY_DUE.add_columns(full_at).add_cte(
        runs.RECORD.cte("recorded"), canvas.place_at_once(after=entered).cte("placed")
    )


_ALL_AT_ONCE = _all_at_once()
# The turn is locked before the stream of events: that part reads what this one returns.
_WAKE_AND_RECORD = events.record_at_once(after=runs.WAKE_AT_ONCE.cte("woken"))


def write(tx: Transaction, run: Run, rate: Rate) -> RateState:
    """Write a run, its hold, its node and its event; return what remains of the workspace's ``rate``.

    Raises NotFound for the project, RateLimited, or InsufficientCredits.

    Contended rows are locked always in this order: the balance, the project's board, the workspace's turn,
    the stream of events. PostgreSQL writes most in one statement (`docs/decisions/0018`). The order holds
    there because the part of the board reads the row that the part of the balance returns.
    """
    project_id, node_id = run.project_id, run.node_id
    assert project_id is not None and node_id is not None
    placing = {"type": run.type, "label": run.prompt or "", "run_id": run.run_id}
    if tx.dialect == "sqlite":
        runs.record(tx, run)
        accounts.touch_project(tx, run.workspace_id, project_id)
        state = ledger.hold(tx, run.workspace_id, run.run_id, run.held_micros, rate)
        canvas.place(tx, node_id, project_id, **placing)
    else:
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
    _announce(tx, [run])
    return state


def write_graph(
    tx: Transaction, root: Run, members: Sequence[Run], edges: Sequence[Edge], rate: Rate
) -> RateState:
    """Write a root, which holds the credits of all, its members, their nodes and events, as `write` does."""
    project_id = root.project_id
    assert project_id is not None
    runs.record_graph(tx, root, members, edges)
    # Raises NotFound, before more credits or a later time are asked for.
    accounts.find_project(tx, root.workspace_id, project_id)
    state = ledger.hold(tx, root.workspace_id, root.run_id, root.held_micros, rate, starts=len(members))
    canvas.place_all(
        tx,
        project_id,
        [
            Placed(run.node_id, run.type, run.prompt or "", run.run_id)
            for run in members
            if run.node_id is not None
        ],
    )
    accounts.note_activity(tx, root.workspace_id, project_id)
    _announce(tx, [root, *members])
    return state


def _announce(tx: Transaction, admitted: Sequence[Run]) -> None:
    """Queue the runs that are ready, and record the events; the last locks of the transaction."""
    ready = {
        (run.engine, run.workspace_id) for run in admitted if run.engine is not None and run.waits_for == 0
    }
    changes = [events.of_run(run, "run.created", "pending", actor=run.actor) for run in admitted]
    if tx.dialect == "sqlite" or len(changes) > 1:
        runs.wake(tx, ready)
        events.record(tx, changes)
        return
    # In one round trip, because others wait for the rows that are locked until the commit.
    [(engine, workspace_id)], [change] = ready, changes
    values = runs.wake_values(tx, engine, workspace_id) | events.record_values(tx, change.stream, changes)
    tx.execute(_WAKE_AND_RECORD, values)
    tx.publish("ready", engine)
    events.publish(tx, changes)
