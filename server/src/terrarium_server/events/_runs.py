"""The events of runs."""

from typing import Any

from terrarium_server.runs import Run, RunOutcome

from ._record import Change


def of_run(
    run: Run, type: str, status: str, *, actor: str = "system", outcome: RunOutcome | None = None
) -> Change:
    """Return a change of a run to ``status``; ``outcome`` says how it failed."""
    data: dict[str, Any] = {"status": status}
    if outcome is not None:
        data |= {"error_code": outcome.error_code, "error_message": outcome.error_message}
    return Change(
        stream=run.project_id or run.root_run_id,
        type=type,
        run_id=run.run_id,
        root_run_id=run.root_run_id,
        actor=actor,
        data=data,
    )
