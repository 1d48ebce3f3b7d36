"""A run with what is shown besides its row."""

import math
from dataclasses import dataclass

from terrarium_server import assets, runs
from terrarium_server.accounts import Caller
from terrarium_server.assets import KeptOutput
from terrarium_server.runs import Edge, Run, Step
from terrarium_server.store import Transaction


@dataclass(frozen=True, slots=True)
class RunView:
    """A run with its outputs, the root of a graph with its steps and edges, a pending run with its place.

    ``outputs`` are those of the run and of its steps, by run id. ``queue_position`` is how many runs start
    before it, ``start_seconds`` about how long that takes.
    """

    run: Run
    outputs: dict[str, list[KeptOutput]]
    steps: list[Step]
    edges: list[Edge]
    queue_position: int | None
    start_seconds: int | None


def read_view(tx: Transaction, caller: Caller, run_id: str) -> RunView:
    """Return a run of the caller's workspace. Raises NotFound."""
    return view_of(tx, runs.find_run(tx, caller.workspace_id, run_id))


def view_of(tx: Transaction, run: Run) -> RunView:
    """Return a run that was just read, with the rest."""
    steps = runs.read_steps(tx, run.run_id) if run.is_root else []
    edges = runs.read_edges(tx, run.run_id) if run.is_root else []
    completed = [one.run_id for one in (run, *steps) if one.state == "completed"]
    outputs = assets.outputs_of(tx, completed)
    position = runs.queue_position(tx, run) if run.state == "pending" else None
    seconds = _start_seconds(tx, run, position) if position is not None else None
    return RunView(run, outputs, steps, edges, position, seconds)


def _start_seconds(tx: Transaction, run: Run, position: int) -> int:
    """As many runs as now run at a time, half done on average, and each takes about as long as this one."""
    parallel = runs.running_count(tx, run.engine or "")
    turns = (position + 0.5) / parallel if parallel else position
    return math.ceil(turns * (run.estimated_seconds or 1))
