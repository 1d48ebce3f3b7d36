from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from terrarium_server.problems import NotFound
from terrarium_server.store import Transaction

from ._tables import RunState, runs


@dataclass(frozen=True, slots=True)
class Run:
    """A run. Times are UTC milliseconds, money micro-USD, progress 0 to 100."""

    run_id: str
    workspace_id: str
    project_id: str
    key_id: str
    kind: str
    type: str
    model_id: str
    prompt: str
    params: dict[str, Any]
    node_id: str
    state: RunState
    progress: int
    held_micros: int
    cost_micros: int | None
    estimated_seconds: int | None
    error_code: str | None
    error_message: str | None
    preview: str | None
    worker_id: str | None
    attempts: int
    created_at: int
    started_at: int | None
    completed_at: int | None

    @property
    def is_over(self) -> bool:
        """Whether nothing will happen to this run any more."""
        return self.state in ("completed", "failed")


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run failed: a code that clients switch on, and a message a person can act on."""

    error_code: str
    error_message: str


COLUMNS = [runs.c[name] for name in Run.__dataclass_fields__]
_READ = sa.select(*COLUMNS).where(runs.c.run_id == sa.bindparam("run"))
_DURATIONS = (
    sa.select(runs.c.completed_at - runs.c.started_at)
    .where(runs.c.model_id == sa.bindparam("model"), runs.c.state == "completed")
    .order_by(runs.c.completed_at.desc())
    .limit(sa.bindparam("count"))
)


def read_run(tx: Transaction, run_id: str) -> Run:
    """Return a run by id, whoever it belongs to (the worker's view). Raises NotFound."""
    row = tx.execute(_READ, {"run": run_id}).first()
    if row is None:
        raise NotFound
    return Run(*row)


def owns_run(tx: Transaction, workspace_id: str, run_id: str) -> bool:
    """Whether there is such a run in this workspace."""
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
    """Return generations newest first, at most ``limit``, older than the run id ``before``."""
    statement = sa.select(*COLUMNS).where(runs.c.workspace_id == workspace_id, runs.c.kind == "generation")
    if before is not None:
        statement = statement.where(runs.c.run_id < before)
    if project_id is not None:
        statement = statement.where(runs.c.project_id == project_id)
    if state is not None:
        statement = statement.where(runs.c.state == state)
    return [Run(*row) for row in tx.execute(statement.order_by(runs.c.run_id.desc()).limit(limit))]


def recent_durations(tx: Transaction, model_id: str, count: int) -> list[int]:
    """Return how long the model's last completed runs took, in milliseconds, newest first."""
    return [int(row[0]) for row in tx.execute(_DURATIONS, {"model": model_id, "count": count})]
