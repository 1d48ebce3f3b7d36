"""``terrarium runs``: list, show, cancel and wait for runs."""

from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

import typer

from ._defaults import client
from ._format import table, timestamp, usd
from ._generate import Force, Limit, Out, finish, watch
from ._lists import AsJson
from ._report import emit_json, note, printable, reports_errors
from ._saving import refuse_existing_file

runs = typer.Typer(help="List, show, cancel and wait for runs.", no_args_is_help=True)

RunId = Annotated[str, typer.Argument(help="Run id.", metavar="RUN_ID")]


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
    """Show one run and its outputs."""
    with client() as flora:
        run = flora.runs.retrieve(run_id)
    if as_json:
        emit_json(run.to_dict())
        return
    lines = [
        ("run", run.run_id),
        ("status", f"{run.status}, {run.progress:.0f} %"),
        ("cost", usd(run.charged_cost)),
        ("created", timestamp(run.created_at)),
        ("started", timestamp(run.started_at)),
        ("completed", timestamp(run.completed_at)),
        ("error", ": ".join(filter(None, (run.error_code, run.error_message)))),
        *(("output", output.url) for output in run.outputs or []),
    ]
    for name, value in lines:
        if value:
            typer.echo(f"{name:<10}{printable(value)}")


@runs.command("cancel")
@reports_errors
def cancel_run(run_id: RunId, as_json: AsJson = False) -> None:
    """Cancel a run: nothing is charged."""
    with client() as flora:
        run = flora.runs.cancel(run_id)
    if as_json:
        emit_json(run.to_dict())
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
    """Wait for a run and save its outputs, as ``generate`` does."""
    refuse_existing_file(Path(out) if out is not None else None, force=force)
    with client() as flora:
        run = watch(flora, run_id, estimate=None, timeout=timeout, as_json=as_json)
        finish(flora, run, out=out, name=run.run_id, force=force, as_json=as_json, extra={})
