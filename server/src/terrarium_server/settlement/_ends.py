from collections.abc import Sequence

from terrarium_server import accounts, assets, canvas, ledger, runs
from terrarium_server.assets import KeptOutput
from terrarium_server.runs import Run, RunOutcome
from terrarium_server.store import Transaction

_CANCELLED = RunOutcome("GENERATION_CANCELLED", "The run was cancelled; nothing was charged.")


def complete(tx: Transaction, run: Run, outputs: Sequence[KeptOutput]) -> bool:
    """Complete a run that is held under its claim, and charge what was held for it.

    True if it is completed under this claim now, also by an earlier try whose answer was lost; False, and
    nothing changed, if it is somebody else's or over.
    """
    cost_micros = run.held_micros
    if not runs.complete(tx, run, cost_micros):
        return runs.is_completed_by(tx, run)
    assets.record_outputs(tx, outputs)
    ledger.settle(tx, run.workspace_id, run.run_id, run.held_micros, cost_micros)
    if run.node_id is not None:
        canvas.land(tx, run.node_id, [_landed(one) for one in outputs])
    return True


def _landed(output: KeptOutput) -> tuple[str, int | None, int | None]:
    medium = output.medium
    return output.output_id, medium and medium.width, medium and medium.height


def fail(tx: Transaction, run: Run, outcome: RunOutcome) -> bool:
    """Fail a run that is held under its claim, and give its whole hold back; False if it is not held."""
    if not runs.fail(tx, run, outcome):
        return False
    _release(tx, run)
    return True


def cancel(tx: Transaction, run: Run) -> bool:
    """End a run, whoever has it, and give its whole hold back; False if it was over already.

    Whoever makes it stops when it notices.
    """
    if not runs.cancel(tx, run.run_id, _CANCELLED):
        return False
    _release(tx, run)
    return True


def give_up(tx: Transaction, run: Run, outcome: RunOutcome) -> bool:
    """Fail a pending run and give its whole hold back; False if it is not pending any more."""
    if not runs.give_up(tx, run.run_id, outcome):
        return False
    _release(tx, run)
    return True


def _release(tx: Transaction, run: Run) -> None:
    if run.key_id is not None:
        accounts.give_back(tx, run.key_id, run.held_micros)
    ledger.release(tx, run.workspace_id, run.run_id, run.held_micros)
