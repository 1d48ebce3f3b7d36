"""How runs get back into the queue."""

from typing import Any

import sqlalchemy as sa

from terrarium_server.store import Transaction

from ._held import HELD, held, unless_taken
from ._queue import wake
from ._reads import Run, RunOutcome
from ._tables import POSTPONED, runs

_REQUEUED: dict[str, Any] = {"state": "pending", "worker_id": None, "started_at": None}
_MOST_AT_ONCE = 500
_NEXT_DUE = sa.select(sa.func.min(runs.c.due_at)).where(POSTPONED)


def requeue(tx: Transaction, run: Run) -> bool:
    """Queue a run under its claim again; False if the claim is no longer valid."""
    if tx.execute(sa.update(runs).where(HELD).values(**_REQUEUED), held(run)).rowcount == 0:
        return False
    _wake_for(tx, run)
    return True


def requeue_abandoned(tx: Transaction, run: Run, abandoned: sa.ColumnElement[bool], *, died: bool) -> bool:
    """Queue a running run without a live worker again, see `take_over`; False if it has one."""
    statement = unless_taken(run, abandoned).values(**_REQUEUED, attempts=runs.c.attempts + int(died))
    if tx.execute(statement).rowcount == 0:
        return False
    _wake_for(tx, run)
    return True


def fall_back(tx: Transaction, run: Run, *, engine: str, model: str, outcome: RunOutcome) -> bool:
    """Queue a run under its claim again, for the fallback model's engine.

    ``outcome`` is what it fails with if the fallback model fails too. Returns False if the claim is no longer
    valid.
    """
    note = {"model": model, "error_code": outcome.error_code, "error_message": outcome.error_message}
    statement = sa.update(runs).where(HELD).values(**_REQUEUED, engine=engine, fallback=note)
    if tx.execute(statement, held(run)).rowcount == 0:
        return False
    wake(tx, [(engine, run.workspace_id)])
    return True


def postpone(tx: Transaction, run: Run, delay_ms: int) -> bool:
    """Let a run under its claim wait until the delay is over; `wake_postponed` queues it then.

    Returns False if the claim is no longer valid.
    """
    statement = sa.update(runs).where(HELD).values(**_REQUEUED, due_at=tx.clock + delay_ms)
    return tx.execute(statement, held(run)).rowcount == 1


def milliseconds_to_next_due(tx: Transaction) -> int | None:
    """Return in how many milliseconds the first postponed run is due, 0 if it is; None if there is none."""
    due_at = tx.execute(_NEXT_DUE).scalar_one()
    if due_at is None:
        return None
    return max(0, due_at - tx.execute(sa.select(tx.clock)).scalar_one())


def wake_postponed(tx: Transaction) -> int:
    """Queue the postponed runs that are due, 500 at most; return how many."""
    # Those that another worker is queueing are skipped: two workers could wait for each other's rows.
    due = (
        sa.select(runs.c.run_id)
        .where(POSTPONED, runs.c.due_at <= tx.clock)
        .limit(_MOST_AT_ONCE)
        .with_for_update(key_share=True, skip_locked=True)
        .cte("due", nesting=True)
    )
    queued = tx.execute(
        sa.update(runs)
        .where(runs.c.run_id.in_(sa.select(due.c.run_id)))
        .values(due_at=None)
        .returning(runs.c.engine, runs.c.workspace_id)
    ).all()
    wake(tx, {(engine, workspace_id) for engine, workspace_id in map(tuple, queued)})
    return len(queued)


def _wake_for(tx: Transaction, run: Run) -> None:
    if run.engine is not None:
        wake(tx, [(run.engine, run.workspace_id)])
