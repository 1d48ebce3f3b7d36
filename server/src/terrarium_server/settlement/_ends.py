"""The ends of a run: complete, fail, cancel, and giving up a pending one."""

from collections.abc import Sequence

from terrarium_server import accounts, assets, canvas, runs
from terrarium_server.assets import KeptOutput
from terrarium_server.runs import Ended, Run, RunOutcome
from terrarium_server.store import Transaction

from ._follow import Ending, end, end_graph

_CANCELLED = RunOutcome("GENERATION_CANCELLED", "The run was cancelled; nothing was charged.")
_GRAPH_CANCELLED = RunOutcome(
    "GENERATION_CANCELLED", "The batch was cancelled; only what had completed was charged."
)


def complete(tx: Transaction, run: Run, outputs: Sequence[KeptOutput]) -> bool:
    """Complete a run under its claim and charge what was held for it.

    Returns True if the run is completed under this claim, also by an earlier attempt whose answer was lost.
    Returns False and changes nothing if another claim has the run or it is over.
    """
    root = runs.lock_root(tx, run)
    cost_micros = run.quote_micros
    if not runs.complete(tx, run, cost_micros):
        return runs.is_completed_by(tx, run)
    ending = end(tx, root, Ended(run, "completed", cost_micros, None))
    assets.record_outputs(tx, outputs)
    ending.settle(tx)
    _note_activity(tx, run)
    if run.node_id is not None:
        canvas.place_outputs(tx, run.node_id, [_with_size(output) for output in outputs])
    ending.announce(tx)
    return True


def _with_size(output: KeptOutput) -> tuple[str, int | None, int | None]:
    medium = output.medium
    return output.output_id, medium and medium.width, medium and medium.height


def fail(tx: Transaction, run: Run, outcome: RunOutcome) -> bool:
    """Fail a run under its claim and release what was held for it; False if the claim is no longer valid."""
    root = runs.lock_root(tx, run)
    if not runs.fail(tx, run, outcome):
        return False
    _finish(tx, run, end(tx, root, Ended(run, "failed", 0, outcome)))
    return True


def cancel(tx: Transaction, run: Run, *, actor: str) -> list[str]:
    """Cancel a run, or a whole graph by its root, whichever worker has it, and release what was held.

    Returns the runs that ended, none if it was over already. Their workers stop when they notice.
    """
    if run.is_root:
        root = runs.lock_graph(tx, run.run_id)
        if root.is_over:
            return []
        ending = end_graph(tx, root, _GRAPH_CANCELLED, member=_CANCELLED, actor=actor)
    else:
        root = runs.lock_root(tx, run)
        if not runs.cancel(tx, run.run_id, _CANCELLED):
            return []
        ending = end(tx, root, Ended(run, "failed", 0, _CANCELLED), actor=actor)
    _finish(tx, run, ending)
    return [one.run.run_id for one in ending.all_ended]


def give_up(tx: Transaction, run: Run, outcome: RunOutcome) -> bool:
    """Fail a pending run and release what was held for it; False if it is no longer pending."""
    root = runs.lock_root(tx, run)
    if not runs.give_up(tx, run.run_id, outcome):
        return False
    _finish(tx, run, end(tx, root, Ended(run, "failed", 0, outcome)))
    return True


def _finish(tx: Transaction, run: Run, ending: Ending) -> None:
    ending.settle(tx)
    _note_activity(tx, run)
    ending.announce(tx)


def _note_activity(tx: Transaction, run: Run) -> None:
    if run.project_id is not None:
        accounts.note_activity(tx, run.workspace_id, run.project_id)
