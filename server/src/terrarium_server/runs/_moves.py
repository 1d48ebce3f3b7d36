"""The moves of runs between their states."""

from typing import Any

import sqlalchemy as sa

from terrarium_server.store import Transaction

from ._held import HELD, held, unless_taken
from ._reads import COLUMNS, Run, RunOutcome
from ._tables import COMPLETED, RUNNING, runs

# The columns that admission writes; the others have defaults.
_ADMITTED = (
    "run_id",
    "workspace_id",
    "project_id",
    "node_id",
    "run_type",
    "type",
    "subject",
    "subject_version",
    "requested_model",
    "engine",
    "prompt",
    "input",
    "seed",
    "root_run_id",
    "state",
    "held_micros",
    "actor",
    "estimated_seconds",
    "created_at",
    "rank",
)
_FIELDS = {name: f"runs_{name}" for name in _ADMITTED}
RECORD = sa.insert(runs).from_select(
    list(_FIELDS), sa.select(*(sa.bindparam(key, type_=runs.c[name].type) for name, key in _FIELDS.items()))
)
_UNFINISHED = runs.c.state.in_(("pending", "running"))
_COMPLETE = (
    sa.update(runs)
    .where(HELD)
    .values(state="completed", cost_micros=sa.bindparam("cost"), completed_at=sa.bindparam("now"))
)
_FAILED: dict[str, Any] = {
    "state": "failed",
    "cost_micros": 0,
    "error_code": sa.bindparam("code"),
    "error_message": sa.bindparam("message"),
    "completed_at": sa.bindparam("now"),
}
_FAIL = sa.update(runs).where(HELD).values(**_FAILED)
_CANCEL = sa.update(runs).where(runs.c.run_id == sa.bindparam("run"), _UNFINISHED).values(**_FAILED)


def record(tx: Transaction, run: Run) -> None:
    """Write a new pending run; `wake` queues it."""
    tx.execute(RECORD, record_values(run))


def record_values(run: Run) -> dict[str, Any]:
    """Return what `RECORD` binds."""
    return {key: getattr(run, name) for name, key in _FIELDS.items()}


def complete(tx: Transaction, run: Run, cost_micros: int) -> bool:
    """Move a run under its claim to completed; False if the claim is no longer valid."""
    return tx.execute(_COMPLETE, {**held(run), "cost": cost_micros, "now": tx.now_ms}).rowcount == 1


def fail(tx: Transaction, run: Run, outcome: RunOutcome) -> bool:
    """Move a run under its claim to failed; False if the claim is no longer valid."""
    return tx.execute(_FAIL, {**held(run), **_failed(tx, outcome)}).rowcount == 1


def cancel(tx: Transaction, run_id: str, outcome: RunOutcome) -> bool:
    """Move an unfinished run to failed, whichever worker has it; False if it was over already."""
    return tx.execute(_CANCEL, {"run": run_id, **_failed(tx, outcome)}).rowcount == 1


def is_completed_by(tx: Transaction, run: Run) -> bool:
    """Whether a run was completed under this claim: the commit succeeded and its answer was lost."""
    mine = (runs.c.run_id == run.run_id, runs.c.worker_id == run.worker_id, runs.c.claim == run.claim)
    return tx.execute(sa.select(runs.c.run_id).where(*mine, COMPLETED)).first() is not None


def give_up(tx: Transaction, run_id: str, outcome: RunOutcome) -> bool:
    """Move a pending run to failed; False if it is no longer pending."""
    statement = sa.update(runs).where(runs.c.run_id == sa.bindparam("run"), runs.c.state == "pending")
    return tx.execute(statement.values(**_FAILED), {"run": run_id, **_failed(tx, outcome)}).rowcount == 1


def leave(tx: Transaction, run: Run) -> bool:
    """Remove the worker from a run under its claim, which stays running for another worker to continue."""
    return tx.execute(sa.update(runs).where(HELD).values(worker_id=None), held(run)).rowcount == 1


def take_over(
    tx: Transaction, run: Run, worker_id: str, abandoned: sa.ColumnElement[bool], *, died: bool
) -> Run | None:
    """Claim a running run without a live worker; None if it has one.

    ``abandoned`` is the condition on its row. ``died`` counts the death of its worker as an attempt.
    """
    statement = unless_taken(run, abandoned).values(
        worker_id=worker_id, claim=runs.c.claim + 1, attempts=runs.c.attempts + int(died)
    )
    row = tx.execute(statement.returning(*COLUMNS)).first()
    return Run(*row) if row is not None else None


def held_by(tx: Transaction, worker_id: str) -> dict[str, int]:
    """Return the running runs of a worker, with the numbers of their claims."""
    statement = sa.select(runs.c.run_id, runs.c.claim).where(RUNNING, runs.c.worker_id == worker_id)
    return {run_id: claim for run_id, claim in map(tuple, tx.execute(statement))}


def lock_if_free(tx: Transaction, run_id: str) -> bool:
    """Lock a run's row without waiting; False if another transaction holds it."""
    statement = sa.select(runs.c.run_id).where(runs.c.run_id == run_id)
    return tx.execute(statement.with_for_update(skip_locked=True)).first() is not None


def is_held(tx: Transaction, run: Run) -> bool:
    """Whether a run is running under this claim. On PostgreSQL its row is locked, so that it stays so."""
    statement = sa.select(runs.c.run_id).where(HELD).with_for_update(key_share=True)
    return tx.execute(statement, held(run)).first() is not None


def _failed(tx: Transaction, outcome: RunOutcome) -> dict[str, Any]:
    return {"code": outcome.error_code, "message": outcome.error_message, "now": tx.now_ms}
