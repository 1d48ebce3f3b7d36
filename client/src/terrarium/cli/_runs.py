"""``terrarium runs``: list, show, cancel, repeat, watch and wait for runs."""

from itertools import islice
from typing import Annotated, Literal

import typer

from ._defaults import client
from ._format import table, timestamp, usd
from ._generate import Force, Limit, Out
from ._lists import AsJson, RunId
from ._outcome import finish, prepare_for, wait_for_end
from ._report import emit_json, note, reports_errors
from ._rerun import rerun
from ._show import print_run
from ._steps import summary
from ._watch import watch

runs = typer.Typer(help="List, show, cancel, repeat, watch and wait for runs.", no_args_is_help=True)

runs.command()(rerun)
runs.command()(watch)


@runs.command("list")
@reports_errors
def list_runs(
    workspace: Annotated[
        str | None, typer.Option("--workspace", "-w", help="Only runs of this workspace.")
    ] = None,
    project: Annotated[str | None, typer.Option(help="Only runs of this project.")] = None,
    status: Annotated[
        Literal["pending", "running", "completed", "failed"] | None,
        typer.Option(help="Only runs with this status."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="The most to list.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List generations, newest first."""
    with client() as flora:
        page = flora.generations.list(
            workspace_id=workspace, project_id=project, status=status, limit=min(limit, 100)
        )
        listed = list(islice(page, limit))
    if as_json:
        emit_json([run.to_dict() for run in listed])
        return
    rows = [
        (
            run.run_id,
            run.status,
            f"{run.progress:.0f} %",
            run.model.model_id if run.model else "",
            usd(run.charged_cost),
            timestamp(run.created_at),
            run.error_code or "",
        )
        for run in listed
    ]
    table(("RUN", "STATUS", "DONE", "MODEL", "COST", "STARTED", "ERROR"), rows, right=("DONE", "COST"))


@runs.command("show")
@reports_errors
def show_run(run_id: RunId, as_json: AsJson = False) -> None:
    """Show one run, its outputs, and the runs of a batch."""
    with client() as flora:
        run = flora.runs.retrieve(run_id)
    if as_json:
        emit_json(run.to_dict())
        return
    print_run(run)


@runs.command("cancel")
@reports_errors
def cancel_run(run_id: RunId, as_json: AsJson = False) -> None:
    """Cancel a run, or what a batch has not finished: nothing is charged for it."""
    with client() as flora:
        run = flora.runs.cancel(run_id)
    if as_json:
        emit_json(run.to_dict())
    elif run.counts:
        note(f"The batch has ended: {summary(run.counts)}.")
    elif run.error_code == "GENERATION_CANCELLED":
        note("Cancelled.")
    else:
        note(f"The run had already ended: {run.status}.")


@runs.command("wait")
@reports_errors
def wait_for_run(
    run_id: RunId,
    out: Out = None,
    force: Force = False,
    timeout: Limit = None,
    as_json: AsJson = False,
) -> None:
    """Wait for a run and save its outputs, as ``generate`` does, or as ``batch`` does for a batch."""
    with client() as flora:
        prepare_for(flora.runs.retrieve(run_id), out, force=force)
        run = wait_for_end(flora, run_id, estimate=None, timeout=timeout, as_json=as_json)
        finish(flora, run, out=out, name=run.run_id, force=force, as_json=as_json)
