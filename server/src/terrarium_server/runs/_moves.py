"""The moves of runs between their states, and the progress of running ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from terrarium_server.store import Transaction

from ._reads import COLUMNS, Run, RunOutcome
from ._tables import COMPLETED, POSTPONED, READY, RUNNING, run_progress, runs

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
)
_FIELDS = {name: f"runs_{name}" for name in _ADMITTED}
RECORD = sa.insert(runs).from_select(
    list(_FIELDS), sa.select(*(sa.bindparam(key, type_=runs.c[name].type) for name, key in _FIELDS.items()))
)
_UNFINISHED = runs.c.state.in_(("pending", "running"))
# Every write of a worker names its claim: if no row changed, the worker no longer has the run.
_HELD = sa.and_(
    runs.c.run_id == sa.bindparam("run"),
    runs.c.state == "running",
    runs.c.worker_id == sa.bindparam("worker"),
    runs.c.claim == sa.bindparam("held_claim"),
)


def _claim_statement(engines: int) -> sa.UpdateBase:
    """Return the statement that claims the oldest ready runs of so many engines, up to each one's capacity.

    Every engine has a query of its own, so that a full engine costs nothing however many runs wait for it.
    """
    heads = [
        sa.select(runs.c.run_id)
        .where(READY, runs.c.engine == sa.bindparam(f"engine_{number}"), runs.c.requires == "")
        .order_by(runs.c.run_id)
        .limit(sa.bindparam(f"capacity_{number}"))
        .with_for_update(skip_locked=True)
        .subquery()
        for number in range(engines)
    ]
    # A common table expression is evaluated once. PostgreSQL may evaluate a plain subquery for every row of
    # the outer table; each evaluation skips the rows that are locked, so it would claim too many runs.
    # It is nested because Python's sqlite3 begins no transaction for a statement that starts with WITH.
    queued = (
        sa.union_all(*(sa.select(head.c.run_id) for head in heads))
        .order_by("run_id")
        .limit(sa.bindparam("count"))
        .cte("queued", nesting=True)
    )
    return (
        sa.update(runs)
        .where(runs.c.run_id.in_(sa.select(queued.c.run_id)), runs.c.state == "pending")
        .values(
            state="running",
            worker_id=sa.bindparam("worker"),
            started_at=sa.bindparam("now"),
            claim=runs.c.claim + 1,
        )
        .returning(*COLUMNS)
    )


_claim = cache(_claim_statement)
_COMPLETE = (
    sa.update(runs)
    .where(_HELD)
    .values(state="completed", cost_micros=sa.bindparam("cost"), completed_at=sa.bindparam("now"))
)
_FAILED: dict[str, Any] = {
    "state": "failed",
    "cost_micros": 0,
    "error_code": sa.bindparam("code"),
    "error_message": sa.bindparam("message"),
    "completed_at": sa.bindparam("now"),
}
_FAIL = sa.update(runs).where(_HELD).values(**_FAILED)
_CANCEL = sa.update(runs).where(runs.c.run_id == sa.bindparam("run"), _UNFINISHED).values(**_FAILED)
_FIRST_ENGINE = sa.select(sa.func.min(runs.c.engine).label("engine")).where(READY)
_ready_engines = _FIRST_ENGINE.cte("ready_engines", recursive=True)
_ready_engines = _ready_engines.union_all(
    sa.select(_FIRST_ENGINE.where(runs.c.engine > _ready_engines.c.engine).scalar_subquery()).where(
        _ready_engines.c.engine.is_not(None)
    )
)
_ENGINES_WAITED_FOR = sa.select(_ready_engines.c.engine).where(_ready_engines.c.engine.is_not(None))
_REQUEUED = {"state": "pending", "worker_id": None, "started_at": None}


@dataclass(frozen=True, slots=True)
class RunProgress:
    """The progress of a running run in percent, and the text or a small picture so far."""

    run_id: str
    claim: int
    percent: int
    preview: str | None


def record(tx: Transaction, run: Run) -> None:
    """Write a new pending run, which also queues it."""
    tx.execute(RECORD, record_values(run))


def record_values(run: Run) -> dict[str, Any]:
    """Return what `RECORD` binds."""
    return {key: getattr(run, name) for name, key in _FIELDS.items()}


def claim(tx: Transaction, worker_id: str, count: int, capacity: Mapping[str, int]) -> list[Run]:
    """Move at most ``count`` of the oldest ready runs to running, for this worker alone.

    ``capacity`` has the number of runs that each engine can take; runs of other engines stay in the queue.
    """
    if not capacity:
        return []
    values: dict[str, Any] = {"worker": worker_id, "count": count, "now": tx.now_ms}
    for number, (engine, most) in enumerate(sorted(capacity.items())):
        values |= {f"engine_{number}": engine, f"capacity_{number}": min(most, count)}
    rows = tx.execute(_claim(len(capacity)), values)
    return sorted((Run(*row) for row in rows), key=lambda run: run.run_id)


def has_due(tx: Transaction) -> bool:
    """Whether a postponed run is due, see `wake_postponed`."""
    due = sa.select(runs.c.run_id).where(POSTPONED, runs.c.due_at <= tx.clock).limit(1)
    return tx.execute(due).first() is not None


def wake_postponed(tx: Transaction) -> int:
    """Make the postponed runs ready that are due; return how many."""
    due = sa.update(runs).where(POSTPONED, runs.c.due_at <= tx.clock)
    return tx.execute(due.values(due_at=None)).rowcount


def complete(tx: Transaction, run: Run, cost_micros: int) -> bool:
    """Move a run under its claim to completed; False if the claim is no longer valid."""
    return tx.execute(_COMPLETE, {**_held(run), "cost": cost_micros, "now": tx.now_ms}).rowcount == 1


def fail(tx: Transaction, run: Run, outcome: RunOutcome) -> bool:
    """Move a run under its claim to failed; False if the claim is no longer valid."""
    return tx.execute(_FAIL, {**_held(run), **_failed(tx, outcome)}).rowcount == 1


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


def postpone(tx: Transaction, run: Run, delay_ms: int) -> bool:
    """Queue a run under its claim again, not to be claimed before the delay is over."""
    statement = sa.update(runs).where(_HELD).values(**_REQUEUED, due_at=tx.clock + delay_ms)
    return tx.execute(statement, _held(run)).rowcount == 1


def requeue(tx: Transaction, run: Run) -> bool:
    """Queue a run under its claim again."""
    return tx.execute(sa.update(runs).where(_HELD).values(**_REQUEUED), _held(run)).rowcount == 1


def fall_back(tx: Transaction, run: Run, *, engine: str, model: str, outcome: RunOutcome) -> bool:
    """Queue a run under its claim again, for the fallback model's engine.

    ``outcome`` is what it fails with if the fallback model fails too.
    """
    note = {"model": model, "error_code": outcome.error_code, "error_message": outcome.error_message}
    statement = sa.update(runs).where(_HELD).values(**_REQUEUED, engine=engine, fallback=note)
    return tx.execute(statement, _held(run)).rowcount == 1


def leave(tx: Transaction, run: Run) -> bool:
    """Remove the worker from a run under its claim, which stays running for another worker to continue."""
    return tx.execute(sa.update(runs).where(_HELD).values(worker_id=None), _held(run)).rowcount == 1


def take_over(
    tx: Transaction, run: Run, worker_id: str, abandoned: sa.ColumnElement[bool], *, died: bool
) -> Run | None:
    """Claim a running run without a live worker; None if it has one.

    ``abandoned`` is the condition on its row. ``died`` counts the death of its worker as an attempt.
    """
    statement = _unless_taken(run, abandoned).values(
        worker_id=worker_id, claim=runs.c.claim + 1, attempts=runs.c.attempts + int(died)
    )
    row = tx.execute(statement.returning(*COLUMNS)).first()
    return Run(*row) if row is not None else None


def requeue_abandoned(tx: Transaction, run: Run, abandoned: sa.ColumnElement[bool], *, died: bool) -> bool:
    """Queue a running run without a live worker again, see `take_over`; False if it has one."""
    statement = _unless_taken(run, abandoned).values(**_REQUEUED, attempts=runs.c.attempts + int(died))
    return tx.execute(statement).rowcount == 1


def held_by(tx: Transaction, worker_id: str) -> dict[str, int]:
    """Return the running runs of a worker, with the numbers of their claims."""
    statement = sa.select(runs.c.run_id, runs.c.claim).where(RUNNING, runs.c.worker_id == worker_id)
    return {run_id: claim for run_id, claim in map(tuple, tx.execute(statement))}


def lock_if_free(tx: Transaction, run_id: str) -> bool:
    """Lock a run's row without waiting; False if another transaction holds it."""
    statement = sa.select(runs.c.run_id).where(runs.c.run_id == run_id)
    return tx.execute(statement.with_for_update(skip_locked=True)).first() is not None


def engines_waited_for(tx: Transaction) -> set[str]:
    """Return the engines that ready runs wait for; one look-up for each, however many runs wait."""
    return set(tx.execute(_ENGINES_WAITED_FOR).scalars())


def waiting_by_engine(tx: Transaction) -> dict[str, int]:
    """Return how many runs are ready, postponed or running, by the name of their engine.

    It counts every one of them, so it is for the start of a process.
    """
    # One query for each condition, because each has an index of its own.
    parts = (sa.select(runs.c.engine).where(condition) for condition in (READY, POSTPONED, RUNNING))
    waiting = sa.union_all(*parts).subquery()
    statement = sa.select(waiting.c.engine, sa.func.count()).where(waiting.c.engine.is_not(None))
    return {engine: count for engine, count in map(tuple, tx.execute(statement.group_by(waiting.c.engine)))}


def pending_of(tx: Transaction, engine: str, *, limit: int) -> list[Run]:
    """Return the oldest ready runs that wait for an engine."""
    statement = sa.select(*COLUMNS).where(READY, runs.c.engine == engine).order_by(runs.c.run_id)
    return [Run(*row) for row in tx.execute(statement.limit(limit))]


def is_held(tx: Transaction, run: Run) -> bool:
    """Whether a run is running under this claim. On PostgreSQL its row is locked, so that it stays so."""
    statement = sa.select(runs.c.run_id).where(_HELD).with_for_update(key_share=True)
    return tx.execute(statement, _held(run)).first() is not None


def write_progress(tx: Transaction, worker_id: str, progress: Sequence[RunProgress]) -> None:
    """Write the progress of running runs, each only if this worker has it under that claim."""
    parameters = [
        {
            "progress_run": one.run_id,
            "progress_claim": one.claim,
            "progress_percent": one.percent,
            "progress_preview": one.preview,
            "progress_worker": worker_id,
            "progress_now": tx.now_ms,
        }
        for one in progress
    ]
    if parameters:
        tx.execute(_WRITE_PROGRESS[tx.dialect], parameters)


def forget_progress(tx: Transaction, *, older_than_ms: int, limit: int) -> int:
    """Delete the progress of runs that no longer run; return the number of deleted rows."""
    old = (
        sa.select(run_progress.c.run_id)
        .join(runs, runs.c.run_id == run_progress.c.run_id)
        .where(run_progress.c.updated_at < tx.now_ms - older_than_ms, runs.c.state.not_in(("running",)))
        .limit(limit)
    )
    return tx.execute(sa.delete(run_progress).where(run_progress.c.run_id.in_(old))).rowcount


def _progress_statement(dialect: Any) -> sa.Executable:
    parameters = {
        "run_id": sa.bindparam("progress_run", type_=sa.Text),
        "worker_id": sa.bindparam("progress_worker", type_=sa.Text),
        "claim": sa.bindparam("progress_claim", type_=sa.Integer),
        "percent": sa.bindparam("progress_percent", type_=sa.Integer),
        "preview": sa.bindparam("progress_preview", type_=sa.Text),
        "updated_at": sa.bindparam("progress_now", type_=sa.BigInteger),
    }
    held = sa.select(*parameters.values()).where(
        runs.c.run_id == parameters["run_id"],
        runs.c.state == "running",
        runs.c.worker_id == parameters["worker_id"],
        runs.c.claim == parameters["claim"],
    )
    statement = dialect(run_progress).from_select(list(parameters), held)
    new, old = statement.excluded, run_progress.c
    return statement.on_conflict_do_update(
        index_elements=["run_id"],
        set_={
            "worker_id": new.worker_id,
            "claim": new.claim,
            # Progress never goes back, even when a second worker starts from the beginning.
            "percent": sa.case((new.percent > old.percent, new.percent), else_=old.percent),
            "preview": sa.func.coalesce(new.preview, old.preview),
            "updated_at": new.updated_at,
        },
    )


_WRITE_PROGRESS = {
    "sqlite": _progress_statement(sqlite.insert),
    "postgresql": _progress_statement(postgresql.insert),
}


def _held(run: Run) -> dict[str, Any]:
    return {"run": run.run_id, "worker": run.worker_id, "held_claim": run.claim}


def _failed(tx: Transaction, outcome: RunOutcome) -> dict[str, Any]:
    return {"code": outcome.error_code, "message": outcome.error_message, "now": tx.now_ms}


def _unless_taken(run: Run, abandoned: sa.ColumnElement[bool]) -> sa.Update:
    return sa.update(runs).where(
        runs.c.run_id == run.run_id, runs.c.state == "running", runs.c.claim == run.claim, abandoned
    )
