from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from terrarium_server.store import Transaction

from ._reads import COLUMNS, Run, RunOutcome
from ._tables import runs

_FIELDS = {name: f"runs_{name}" for name in Run.__dataclass_fields__}
RECORD = sa.insert(runs).from_select(
    list(_FIELDS), sa.select(*(sa.bindparam(key, type_=runs.c[name].type) for name, key in _FIELDS.items()))
)
# Spelled out in the statement, or the partial index of unfinished runs would not be used.
_PENDING = runs.c.state == sa.literal("pending", literal_execute=True)
_RUNNING = runs.c.state == sa.literal("running", literal_execute=True)
_UNFINISHED = runs.c.state.in_(("pending", "running"))


def _claim_statement(*, but_not: bool) -> sa.UpdateBase:
    # A common table expression is evaluated once. PostgreSQL may run a plain subquery again for every row of
    # the outer table, and as it then skips what is locked already, more than ``count`` would be claimed.
    # It is nested because Python's sqlite3 begins no transaction for a statement that starts with WITH.
    others = runs.c.model_id.not_in(sa.bindparam("models", expanding=True)) if but_not else sa.true()
    queued = (
        sa.select(runs.c.run_id)
        .where(_PENDING, others)
        .order_by(runs.c.run_id)
        .limit(sa.bindparam("count"))
        .with_for_update(skip_locked=True)
        .cte("queued", nesting=True)
    )
    return (
        sa.update(runs)
        .where(runs.c.run_id.in_(sa.select(queued.c.run_id)), runs.c.state == "pending")
        .values(
            state="running",
            worker_id=sa.bindparam("worker"),
            started_at=sa.bindparam("now"),
            attempts=runs.c.attempts + 1,
        )
        .returning(*COLUMNS)
    )


_CLAIM = _claim_statement(but_not=False)
_CLAIM_OTHERS = _claim_statement(but_not=True)
_COMPLETE = (
    sa.update(runs)
    .where(runs.c.run_id == sa.bindparam("run"), runs.c.state == "running")
    .values(
        state="completed",
        progress=100,
        preview=None,
        cost_micros=sa.bindparam("cost"),
        completed_at=sa.bindparam("now"),
    )
)
_FAIL = (
    sa.update(runs)
    .where(runs.c.run_id == sa.bindparam("run"), _UNFINISHED)
    .values(
        state="failed",
        progress=100,
        preview=None,
        cost_micros=0,
        error_code=sa.bindparam("code"),
        error_message=sa.bindparam("message"),
        completed_at=sa.bindparam("now"),
    )
)
_ADVANCE = (
    sa.update(runs)
    .where(
        runs.c.run_id == sa.bindparam("run"),
        runs.c.state == "running",
        runs.c.progress < sa.bindparam("percent"),
    )
    .values(progress=sa.bindparam("percent"))
)
_SHOW = (
    sa.update(runs)
    .where(runs.c.run_id == sa.bindparam("run"), runs.c.state == "running")
    .values(preview=sa.bindparam("shown"))
)


def record(tx: Transaction, run: Run) -> None:
    """Write a new pending run, which also puts it into the queue."""
    tx.execute(RECORD, record_values(run))


def record_values(run: Run) -> dict[str, Any]:
    """Return what `RECORD` binds."""
    return {key: getattr(run, name) for name, key in _FIELDS.items()}


def claim(tx: Transaction, worker_id: str, count: int, *, but_not: Collection[str] = ()) -> list[Run]:
    """Move at most ``count`` of the oldest pending runs to running, for this worker alone.

    Runs of the models in ``but_not`` stay in the queue.
    """
    values = {"worker": worker_id, "count": count, "now": tx.now_ms}
    if but_not:
        rows = tx.execute(_CLAIM_OTHERS, {**values, "models": sorted(but_not)})
    else:
        rows = tx.execute(_CLAIM, values)
    return sorted((Run(*row) for row in rows), key=lambda run: run.run_id)


def advance(tx: Transaction, run_id: str, percent: int) -> None:
    """Raise a running run's progress; it never goes back."""
    tx.execute(_ADVANCE, {"run": run_id, "percent": percent})


def show(tx: Transaction, run_id: str, preview: str) -> None:
    """Let a running run show what there is of its output so far."""
    tx.execute(_SHOW, {"run": run_id, "shown": preview})


def complete(tx: Transaction, run_id: str, cost_micros: int) -> bool:
    """Move a running run to completed; False if it was over already."""
    return tx.execute(_COMPLETE, {"run": run_id, "cost": cost_micros, "now": tx.now_ms}).rowcount == 1


def fail(tx: Transaction, run_id: str, outcome: RunOutcome) -> bool:
    """Move an unfinished run to failed; False if it was over already."""
    parameters = {
        "run": run_id,
        "code": outcome.error_code,
        "message": outcome.error_message,
        "now": tx.now_ms,
    }
    return tx.execute(_FAIL, parameters).rowcount == 1


def orphans(tx: Transaction, live_workers: Sequence[str]) -> list[Run]:
    """Return the running runs whose worker is none of ``live_workers``, oldest first."""
    statement = sa.select(*COLUMNS).where(_RUNNING, runs.c.worker_id.not_in(live_workers))
    return [Run(*row) for row in tx.execute(statement.order_by(runs.c.run_id))]


def requeue(tx: Transaction, run_id: str, worker_id: str) -> bool:
    """Put a run that ``worker_id`` took over back into the queue; claiming it counts the attempt anew."""
    statement = sa.update(runs).where(
        runs.c.run_id == run_id, runs.c.state == "running", runs.c.worker_id == worker_id
    )
    return (
        tx.execute(
            statement.values(state="pending", worker_id=None, started_at=None, attempts=runs.c.attempts - 1)
        ).rowcount
        == 1
    )


def take_over(tx: Transaction, run_id: str, from_worker: str | None, worker_id: str) -> bool:
    """Give a running run to ``worker_id``, one attempt more; False if ``from_worker`` has it no more."""
    statement = sa.update(runs).where(
        runs.c.run_id == run_id, runs.c.state == "running", runs.c.worker_id == from_worker
    )
    return tx.execute(statement.values(worker_id=worker_id, attempts=runs.c.attempts + 1)).rowcount == 1


def hand_on(tx: Transaction, run_id: str, worker_id: str) -> None:
    """Note which worker carries a recovered run."""
    statement = sa.update(runs).where(runs.c.run_id == run_id, runs.c.state == "running")
    tx.execute(statement.values(worker_id=worker_id))
