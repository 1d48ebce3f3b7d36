"""``terrarium generate``: start a run, watch it, save what it made."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._choose import client, parameters, place
from ._lists import AsJson, Kind, Workspace
from ._progress import watching
from ._report import BadInput, Exit, emit_json, note, plain, reported
from ._saving import check, name_for, save
from ._show import usd

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


@reported
def generate(
    prompt: Annotated[str, typer.Argument(help="What to make; - reads it from standard input.")],
    type: Annotated[Kind, typer.Option("--type", "-t", help="What kind of thing.")] = "image",
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
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Only start it; print the run id.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make something from a prompt and save it.

    Paths (or the text itself) go to standard output, all else to standard error.
    """
    if prompt == "-":
        prompt = typer.get_text_stream("stdin").read().strip()
    if not prompt:
        raise BadInput("The prompt is empty.")
    check(Path(out) if out is not None else None, force=force)
    with client() as flora:
        params = parameters(flora, param or [], model)
        workspace, project = place(flora, workspace, project)
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
        about = {"model": started.model.to_dict()} if started.model else {}
        finish(
            flora, run, out=out, name=name_for(prompt, run.run_id), force=force, as_json=as_json, about=about
        )


def watch(
    flora: "Flora", run_id: str, *, estimate: float | None, timeout: float | None, as_json: bool
) -> "Run":
    """Wait for a run and show how it goes; an interrupt leaves it running and says so."""
    try:
        with watching(estimate=estimate, silent=as_json) as told:
            return flora.runs.wait(run_id, timeout=timeout, on_progress=told)
    except KeyboardInterrupt:
        note(f"\nThe run goes on; wait for it with `terrarium runs wait {run_id}`.")
        raise typer.Exit(Exit.INTERRUPTED) from None


def finish(
    flora: "Flora",
    run: "Run",
    *,
    out: str | None,
    name: str,
    force: bool,
    as_json: bool,
    about: dict[str, Any],
) -> None:
    """Save the outputs of a completed run and say what it was."""
    outputs = run.outputs or []
    # Text is read where it is made; it becomes a file only when one is asked for.
    kept = outputs if out is not None else [output for output in outputs if output.type != "text"]
    saved = save(flora, kept, out, name, force=force)
    if as_json:
        emit_json({**run.to_dict(), **about, "files": [str(path) for path in saved]})
        return
    took = ""
    if run.completed_at is not None and run.started_at is not None:
        took = f", {(run.completed_at - run.started_at) / 1000:.1f} s"
    model = f", {about['model']['model_id']}" if "model" in about else ""
    note(f"{run.run_id}: {usd(run.charged_cost) or 'cost not known yet'}{took}{model}")
    if not outputs:
        note("The run made nothing.")
    for output in outputs:
        if output.type == "text" and out is None:
            typer.echo(plain(output.url))
    for path in saved:
        typer.echo(path)
