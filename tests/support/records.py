"""Records as the rooms write them, for tests that need one and not its story."""

from dataclasses import replace
from typing import Any

from terrarium_server.runs import Run

_PENDING = Run(
    run_id="run_1",
    workspace_id="ws_1",
    project_id="prj_1",
    key_id="key_1",
    kind="generation",
    type="text",
    model_id="t2t-rehearsal",
    prompt="a fern",
    params={},
    node_id="node",
    state="pending",
    progress=0,
    held_micros=250_000,
    cost_micros=None,
    estimated_seconds=None,
    error_code=None,
    error_message=None,
    preview=None,
    worker_id=None,
    attempts=0,
    created_at=1,
    started_at=None,
    completed_at=None,
)


def pending_run(run_id: str, **changes: Any) -> Run:
    """A pending run as admission writes it."""
    return replace(_PENDING, run_id=run_id, **changes)
