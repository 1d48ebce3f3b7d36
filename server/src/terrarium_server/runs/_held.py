"""Which claim may write to a run."""

from typing import Any

import sqlalchemy as sa

from ._reads import Run
from ._tables import runs

# Every write of a worker names its claim: if no row changed, the worker no longer has the run.
HELD = sa.and_(
    runs.c.run_id == sa.bindparam("run"),
    runs.c.state == "running",
    runs.c.worker_id == sa.bindparam("worker"),
    runs.c.claim == sa.bindparam("held_claim"),
)


def held(run: Run) -> dict[str, Any]:
    """Return what `HELD` binds."""
    return {"run": run.run_id, "worker": run.worker_id, "held_claim": run.claim}


def unless_taken(run: Run, abandoned: sa.ColumnElement[bool]) -> sa.Update:
    """Return an update of a running run that nobody has claimed since it was read and found abandoned."""
    return sa.update(runs).where(
        runs.c.run_id == run.run_id, runs.c.state == "running", runs.c.claim == run.claim, abandoned
    )
