"""``terrarium generate``: start a run, show its progress, save its outputs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._defaults import client, parameters, workspace_and_project
from ._format import usd
from ._lists import AsJson, OutputType, Workspace
from ._progress import show_progress
from ._report import BadInput, Exit, emit_json, note, printable, reports_errors
from ._saving import name_for, refuse_existing_file, save

if TYPE_CHECKING:
    from .. import Flora
    from .._wire import Run

Out = Annotated[
    str | None,
    typer.Option(
        "--out", "-o", help="A file, or a folder.", show_default="the current folder", metavar="PATH"
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the file given with --out.")]
Limit = Annotated[
    float | None, typer.Option("--timeout", min=0, help="Stop waiting after this many seconds.")
]


@reports_errors
def generate(
    prompt: Annotated[str, typer.Argument(help="What to make; - reads it from standard input.")],
    type: Annotated[OutputType, typer.Option("--type", "-t", help="The type of the output.")] = "image",
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Model id.", show_default="the server's choice")
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", help="A parameter of the model; repeatable.", metavar="NAME=VALUE"),
    ] = None,
    workspace: Workspace = None,
    project: Annotated[
        str | None, typer.Option("--project", help="Project id.", show_default="the most recently used")
    ] = None,
    out: Out = None,
    force: Force = False,
    timeout: Limit = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Only start the run and print its id.")] = False,
    as_json: AsJson = False,
) -> None:
    """Generate an output from a prompt and save it.

    Paths (or the text itself) go to standard output, everything else to standard error.
    """
    if prompt == "-":
        prompt = typer.get_text_stream("stdin").read().strip()
    if not prompt:
        raise BadInput("The prompt is empty.")
    refuse_existing_file(Path(out) if out is not None else None, force=force)
    with client() as flora:
        params = parameters(flora, param or [], model)
        workspace, project = workspace_and_project(flora, workspace, project)
        started = flora.runs.start_generation(
            project_id=project, prompt=prompt, type=type, workspace_id=workspace, model=model, params=params
        )
        if no_wait:
            if as_json:
                emit_json(started.to_dict())
            else:
                note(f"Started; wait for it with `terrarium runs wait {started.run_id}`.")
                typer.echo(started.run_id)
            return
        run = watch(
            flora, started.run_id, estimate=started.estimated_seconds, timeout=timeout, as_json=as_json
        )
        finish(
            flora,
            run,
            out=out,
            name=name_for(prompt, run.run_id),
            force=force,
            as_json=as_json,
            extra={"model": started.model.to_dict()} if started.model else {},
        )


def watch(
    flora: "Flora", run_id: str, *, estimate: float | None, timeout: float | None, as_json: bool
) -> "Run":
    """Wait for a run and show its progress; after an interrupt the run continues on the server."""
    try:
        with show_progress(estimate=estimate, silent=as_json) as on_progress:
            return flora.runs.wait(run_id, timeout=timeout, on_progress=on_progress)
    except KeyboardInterrupt:
        note(f"\nThe run continues; wait for it with `terrarium runs wait {run_id}`.")
        raise typer.Exit(Exit.INTERRUPTED) from None


def finish(
    flora: "Flora",
    run: "Run",
    *,
    out: str | None,
    name: str,
    force: bool,
    as_json: bool,
    extra: dict[str, Any],
) -> None:
    """Save the outputs of a completed run and print a summary; ``extra`` is added to the JSON."""
    outputs = run.outputs or []
    # Text is printed; it is saved only when --out names a file.
    to_save = outputs if out is not None else [output for output in outputs if output.type != "text"]
    saved = save(flora, to_save, out, name, force=force)
    if as_json:
        emit_json({**run.to_dict(), **extra, "files": [str(path) for path in saved]})
        return
    duration = ""
    if run.completed_at is not None and run.started_at is not None:
        duration = f", {(run.completed_at - run.started_at) / 1000:.1f} s"
    model = f", {extra['model']['model_id']}" if "model" in extra else ""
    note(f"{run.run_id}: {usd(run.charged_cost) or 'cost not known yet'}{duration}{model}")
    if not outputs:
        note("The run has no outputs.")
    for output in outputs:
        if output.type == "text" and out is None:
            typer.echo(printable(output.url))
    for path in saved:
        typer.echo(path)
