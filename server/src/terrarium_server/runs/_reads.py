"""The record of a run, reads and lists of runs."""

from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

import sqlalchemy as sa

from terrarium_server.problems import NotFound
from terrarium_server.store import Transaction

from ._tables import COMPLETED, LISTED, RunState, RunType, run_progress, runs


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
    requested_model: str | None
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
    rank: int
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
    is_listed: int
    max_parallel: int | None
    is_gated: int
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
    def is_root(self) -> bool:
        """Whether it holds the credits of a graph of runs, which do its work."""
        return self.unallotted_micros is not None

    @property
    def quote_micros(self) -> int:
        """The most that it may cost: its own hold, or its part of its root's."""
        return self.held_micros if self.budget_micros is None else self.budget_micros

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
    engine: str | None,
    prompt: str | None,
    input: dict[str, Any],
    seed: int,
    held_micros: int,
    actor: str,
    estimated_seconds: int | None,
    created_at: int,
    requested_model: str | None = None,
    rank: int = 0,
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
        requested_model=requested_model,
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
        rank=rank,
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
        is_listed=1,
        max_parallel=None,
        is_gated=0,
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
_STATES: tuple[RunState, ...] = get_args(RunState)
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
    """Return listed runs newest first, at most ``limit``, older than the run id ``before``.

    Those that failed include those that were skipped.
    """
    states = _STATES if state is None else ("failed", "skipped") if state == "failed" else (state,)
    statement = _page(states, of_project=project_id is not None, is_first=before is None)
    values = {"workspace": workspace_id, "project": project_id, "before": before, "count": limit}
    return [Run(*row) for row in tx.execute(statement, values)]


@cache
def _page(states: tuple[RunState, ...], *, of_project: bool, is_first: bool) -> sa.Select[Any]:
    """Return the statement of `list_runs`.

    Its inner queries read only run ids, for each state one page from the end of a range of an index. They
    name one indexed column besides the state: with two, the planner of PostgreSQL may choose to walk the
    whole workspace for a project with few runs.
    """
    place = runs.c.project_id == sa.bindparam("project")
    if not of_project:
        place = runs.c.workspace_id == sa.bindparam("workspace")
    cursor = () if is_first else (runs.c.run_id < sa.bindparam("before"),)
    newest = [
        sa.select(runs.c.run_id)
        .where(LISTED, place, runs.c.state == one, *cursor)
        .order_by(runs.c.run_id.desc())
        .limit(sa.bindparam("count"))
        .subquery()
        for one in states
    ]
    page = (
        sa.union_all(*(sa.select(of_state.c.run_id) for of_state in newest))
        .order_by(sa.desc("run_id"))
        .limit(sa.bindparam("count"))
        .subquery("page")
    )
    return (
        sa.select(*_ALL)
        .select_from(_JOINED.join(page, page.c.run_id == runs.c.run_id))
        .where(runs.c.workspace_id == sa.bindparam("workspace"))
        .order_by(runs.c.run_id.desc())
    )


def recent_durations(tx: Transaction, subject: str, count: int) -> list[int]:
    """Return the durations of a model's latest completed runs, in milliseconds, newest first."""
    return [int(row[0]) for row in tx.execute(_DURATIONS, {"subject": subject, "count": count})]
