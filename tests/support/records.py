"""Records as the packages write them, for tests that only need one."""

from dataclasses import replace
from typing import Any

from terrarium_server import runs
from terrarium_server.runs import Run
from terrarium_server.store import Transaction

_PENDING = runs.new_run(
    run_id="run_1",
    workspace_id="ws_1",
    project_id="prj_1",
    node_id="node",
    run_type="generation",
    type="text",
    subject="t2t-rehearsal",
    subject_version="1",
    engine="rehearsal",
    prompt="a fern",
    input={},
    seed=7,
    held_micros=250_000,
    actor="key:key_1",
    estimated_seconds=None,
    created_at=1,
)


def pending_run(run_id: str, **changes: Any) -> Run:
    """A pending run as admission writes it."""
    return replace(_PENDING, **{"run_id": run_id, "root_run_id": run_id, **changes})


def queue(tx: Transaction, *pending: Run) -> None:
    """Record pending runs and put them into the queue, as admission does."""
    for run in pending:
        runs.record(tx, run)
    runs.wake(tx, {(run.engine, run.workspace_id) for run in pending if run.engine is not None})
