"""``terrarium generate``: start a run, show its progress, save its outputs."""

from typing import TYPE_CHECKING, Annotated

import typer

from ._defaults import client, parameters, workspace_and_project
from ._lists import AsJson, OutputType, Workspace
from ._outcome import finish, wait_for_end
from ._report import BadInput, emit_json, note, reports_errors
from ._saving import name_for, prepare_out
from ._texts import read_stdin

if TYPE_CHECKING:
    from ..types import BatchStarted, RunStarted

Model = Annotated[
    str | None, typer.Option("--model", "-m", help="Model id.", show_default="the server's choice")
]
Params = Annotated[
    list[str] | None,
    typer.Option("--param", "-p", help="A parameter of the model; repeatable.", metavar="NAME=VALUE"),
]
Project = Annotated[
    str | None, typer.Option("--project", help="Project id.", show_default="the most recently used")
]
Priority = Annotated[
    int | None,
    typer.Option("--priority", min=-10, max=10, help="Runs of a higher one start first; 0 is usual."),
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Only start it and print its id.")]
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
    model: Model = None,
    param: Params = None,
    workspace: Workspace = None,
    project: Project = None,
    priority: Priority = None,
    out: Out = None,
    force: Force = False,
    timeout: Limit = None,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Generate an output from a prompt and save it.

    Paths (or the text itself) go to standard output, everything else to standard error.
    """
    if prompt == "-":
        prompt = read_stdin().strip()
    if not prompt:
        raise BadInput("The prompt is empty.")
    if not no_wait and (out is not None or type != "text"):  # else nothing is going to be saved
        prepare_out(out or ".", force=force)
    with client() as flora:
        params = parameters(flora, param or [], model)
        workspace, project = workspace_and_project(flora, workspace, project)
        started = flora.runs.start_generation(
            project_id=project,
            prompt=prompt,
            type=type,
            workspace_id=workspace,
            model=model,
            params=params,
            priority=priority,
        )
        if no_wait:
            print_started(started, as_json=as_json)
            return
        run = wait_for_end(
            flora, started.run_id, estimate=started.estimated_seconds, timeout=timeout, as_json=as_json
        )
        if run.model is None and started.model is not None:
            run.model = started.model  # only Terrarium's runs say it
        finish(flora, run, out=out, name=name_for(prompt, run.run_id), force=force, as_json=as_json)


def print_started(started: "RunStarted | BatchStarted", *, as_json: bool) -> None:
    """Print the id of a run that nobody waits for."""
    if as_json:
        emit_json(started.to_dict())
        return
    note(f"Started; wait for it with `terrarium runs wait {started.run_id}`.")
    typer.echo(started.run_id)
