"""The record of a run, reads and lists of runs."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from terrarium_server.problems import NotFound
from terrarium_server.store import Transaction

from ._tables import COMPLETED, ROOTS, RunState, RunType, run_progress, runs


@dataclass(frozen=True, slots=True)
class Run:
    """A run. Times are UTC milliseconds, money micro-USD; `_tables.py` describes each field.

    ``percent`` and ``preview`` are what it last showed while it was running.
    """

    run_id: str
    workspace_id: str
    project_id: str | None
    node_id: str | None
    run_type: RunType
    type: str
    subject: str
    subject_version: str
    engine: str | None
    requires: str
    prompt: str | None
    input: dict[str, Any]
    seed: int
    root_run_id: str
    parent_run_id: str | None
    step_path: str | None
    state: RunState
    waits_for: int
    due_at: int | None
    priority: int
    worker_id: str | None
    claim: int
    attempts: int
    fallback: dict[str, str] | None
    held_micros: int
    cost_micros: int | None
    budget_micros: int | None
    unallotted_micros: int | None
    cache_key: str | None
    cached_from: str | None
    actor: str
    callback_url: str | None
    estimated_seconds: int | None
    error_code: str | None
    error_message: str | None
    created_at: int
    started_at: int | None
    completed_at: int | None
    percent: int | None = None
    preview: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether the run has ended."""
        return self.state in ("completed", "failed", "skipped")

    @property
    def progress(self) -> int:
        """Its progress, 0 to 100."""
        if self.is_over:
            return 100
        return self.percent or 0 if self.state == "running" else 0

    @property
    def key_id(self) -> str | None:
        """The key that started it, None for the system."""
        actor_type, _, name = self.actor.partition(":")
        return name if actor_type == "key" else None

    @property
    def model(self) -> str:
        """The model that executes it now: the requested one, or its fallback."""
        return self.fallback["model"] if self.fallback is not None else self.subject


def new_run(
    *,
    run_id: str,
    workspace_id: str,
    project_id: str | None,
    node_id: str | None,
    run_type: RunType,
    type: str,
    subject: str,
    subject_version: str,
    engine: str,
    prompt: str | None,
    input: dict[str, Any],
    seed: int,
    held_micros: int,
    actor: str,
    estimated_seconds: int | None,
    created_at: int,
) -> Run:
    """Return a pending run outside any graph: its own root, ready at once."""
    return Run(
        run_id=run_id,
        workspace_id=workspace_id,
        project_id=project_id,
        node_id=node_id,
        run_type=run_type,
        type=type,
        subject=subject,
        subject_version=subject_version,
        engine=engine,
        requires="",
        prompt=prompt,
        input=input,
        seed=seed,
        root_run_id=run_id,
        parent_run_id=None,
        step_path=None,
        state="pending",
        waits_for=0,
        due_at=None,
        priority=0,
        worker_id=None,
        claim=0,
        attempts=0,
        fallback=None,
        held_micros=held_micros,
        cost_micros=None,
        budget_micros=None,
        unallotted_micros=None,
        cache_key=None,
        cached_from=None,
        actor=actor,
        callback_url=None,
        estimated_seconds=estimated_seconds,
        error_code=None,
        error_message=None,
        created_at=created_at,
        started_at=None,
        completed_at=None,
    )


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run failed: a code for programs, and a message that says what to do."""

    error_code: str
    error_message: str


_PROGRESS = ("percent", "preview")
COLUMNS = [runs.c[name] for name in Run.__dataclass_fields__ if name not in _PROGRESS]
_ALL = [*COLUMNS, run_progress.c.percent, run_progress.c.preview]
_JOINED = runs.outerjoin(run_progress, run_progress.c.run_id == runs.c.run_id)
_READ = sa.select(*_ALL).select_from(_JOINED).where(runs.c.run_id == sa.bindparam("run"))
_DURATIONS = (
    sa.select(runs.c.completed_at - runs.c.started_at)
    .where(runs.c.subject == sa.bindparam("subject"), COMPLETED)
    .order_by(runs.c.completed_at.desc())
    .limit(sa.bindparam("count"))
)


def read_run(tx: Transaction, run_id: str) -> Run:
    """Return a run by id, of any workspace (for workers). Raises NotFound."""
    row = tx.execute(_READ, {"run": run_id}).first()
    if row is None:
        raise NotFound
    return Run(*row)


def owns_run(tx: Transaction, workspace_id: str, run_id: str) -> bool:
    """Whether this workspace has a run of this id."""
    mine = (runs.c.run_id == run_id, runs.c.workspace_id == workspace_id)
    return tx.execute(sa.select(runs.c.run_id).where(*mine)).first() is not None


def find_run(tx: Transaction, workspace_id: str, run_id: str) -> Run:
    """Return a run of this workspace. Raises NotFound, also for another workspace's run."""
    run = read_run(tx, run_id)
    if run.workspace_id != workspace_id:
        raise NotFound
    return run


def list_runs(
    tx: Transaction,
    workspace_id: str,
    *,
    limit: int,
    before: str | None = None,
    project_id: str | None = None,
    state: RunState | None = None,
) -> list[Run]:
    """Return generations newest first, at most ``limit``, older than the run id ``before``.

    Of a graph only the root is listed.
    """
    statement = (
        sa.select(*_ALL)
        .select_from(_JOINED)
        .where(runs.c.workspace_id == workspace_id, runs.c.run_type == "generation", ROOTS)
    )
    if before is not None:
        statement = statement.where(runs.c.run_id < before)
    if project_id is not None:
        statement = statement.where(runs.c.project_id == project_id)
    if state is not None:
        statement = statement.where(runs.c.state == state)
    return [Run(*row) for row in tx.execute(statement.order_by(runs.c.run_id.desc()).limit(limit))]


def recent_durations(tx: Transaction, subject: str, count: int) -> list[int]:
    """Return the durations of a model's latest completed runs, in milliseconds, newest first."""
    return [int(row[0]) for row in tx.execute(_DURATIONS, {"subject": subject, "count": count})]
