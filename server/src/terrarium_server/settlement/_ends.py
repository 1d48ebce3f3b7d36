"""The ends of a run: complete, fail, cancel, and giving up a pending one."""

from collections.abc import Sequence

from terrarium_server import accounts, assets, canvas, ledger, runs
from terrarium_server.assets import KeptOutput
from terrarium_server.runs import Run, RunOutcome
from terrarium_server.store import Transaction

_CANCELLED = RunOutcome("GENERATION_CANCELLED", "The run was cancelled; nothing was charged.")


def complete(tx: Transaction, run: Run, outputs: Sequence[KeptOutput]) -> bool:
    """Complete a run under its claim and charge what was held for it.

    Returns True if the run is completed under this claim, also by an earlier attempt whose answer was lost.
    Returns False and changes nothing if another claim has the run or it is over.
    """
    cost_micros = run.held_micros
    if not runs.complete(tx, run, cost_micros):
        return runs.is_completed_by(tx, run)
    assets.record_outputs(tx, outputs)
    ledger.settle(tx, run.workspace_id, run.run_id, run.held_micros, cost_micros)
    _note_activity(tx, run)
    if run.node_id is not None:
        canvas.place_outputs(tx, run.node_id, [_with_size(output) for output in outputs])
    return True


def _with_size(output: KeptOutput) -> tuple[str, int | None, int | None]:
    medium = output.medium
    return output.output_id, medium and medium.width, medium and medium.height


def fail(tx: Transaction, run: Run, outcome: RunOutcome) -> bool:
    """Fail a run under its claim and release its whole hold; False if the claim is no longer valid."""
    if not runs.fail(tx, run, outcome):
        return False
    _release(tx, run)
    return True


def cancel(tx: Transaction, run: Run) -> bool:
    """Cancel a run, whichever worker has it, and release its whole hold; False if it was over already.

    Its worker stops when it notices.
    """
    if not runs.cancel(tx, run.run_id, _CANCELLED):
        return False
    _release(tx, run)
    return True


def give_up(tx: Transaction, run: Run, outcome: RunOutcome) -> bool:
    """Fail a pending run and release its whole hold; False if it is no longer pending."""
    if not runs.give_up(tx, run.run_id, outcome):
        return False
    _release(tx, run)
    return True


def _release(tx: Transaction, run: Run) -> None:
    if run.key_id is not None:
        accounts.refund(tx, run.key_id, run.held_micros)
    ledger.release(tx, run.workspace_id, run.run_id, run.held_micros)
    _note_activity(tx, run)


def _note_activity(tx: Transaction, run: Run) -> None:
    if run.project_id is not None:
        accounts.note_activity(tx, run.workspace_id, run.project_id)
