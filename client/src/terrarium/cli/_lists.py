"""``terrarium models``, ``projects`` and ``workspaces``."""

from typing import Annotated, Literal

import typer

from ._choose import client, first_workspace
from ._plugins import LazyModelsGroup
from ._report import emit_json, note, reported
from ._show import moment, seconds, table, usd

AsJson = Annotated[bool, typer.Option("--json", help="JSON on standard output and nothing else.")]
Workspace = Annotated[
    str | None, typer.Option("--workspace", "-w", help="Workspace id.", show_default="the key's first")
]
Kind = Literal["image", "video", "audio", "text"]

projects = typer.Typer(help="List and make projects.", no_args_is_help=True)


models = typer.Typer(
    cls=LazyModelsGroup, invoke_without_command=True, help="List the models, and fetch what they need."
)


@models.callback()
@reported
def list_models(
    context: typer.Context,
    type: Annotated[Kind | None, typer.Option("--type", "-t", help="Only models of this type.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", "-a", help="Also those that cannot be used now, and why.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the models: price, usual time and parameters."""
    if context.invoked_subcommand is not None:
        return
    with client() as flora:
        found = flora.models.list(type=type, unavailable=everything).models
    if as_json:
        emit_json([model.to_dict() for model in found])
        return
    rows = [
        (
            model.model_id,
            model.type,
            model.name,
            model.provider,
            # One credit is a tenth of a cent.
            usd(model.estimated_credits / 1000),
            seconds(model.estimated_seconds),
            " ".join(param.name for param in model.params),
        )
        for model in found
    ]
    columns = ("MODEL", "TYPE", "NAME", "PROVIDER", "COST", "TIME", "PARAMETERS")
    table(columns, rows, right=("COST", "TIME"))
    for model in found:
        if model.unavailable:
            note(f"{model.model_id} cannot be used now: {model.unavailable}")


@projects.command("list")
@reported
def list_projects(
    workspace: Workspace = None,
    query: Annotated[str | None, typer.Option(help="Only projects whose name contains this.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List projects, most recently used first."""
    from itertools import islice

    with client() as flora:
        workspace = workspace or first_workspace(flora)
        page = flora.projects.list(workspace_id=workspace, query=query, limit=min(limit, 100))
        found = list(islice(page, limit))
    if as_json:
        emit_json([project.to_dict() for project in found])
        return
    table(
        ("PROJECT", "NAME", "LAST USED"),
        [(each.project_id, each.name, moment(each.last_modified or each.created_at)) for each in found],
    )


@projects.command("create")
@reported
def create_project(
    name: Annotated[str, typer.Argument(help="Its name.")],
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Make a project and print its id."""
    with client() as flora:
        made = flora.projects.create(name=name, workspace_id=workspace or first_workspace(flora))
    if as_json:
        emit_json(made.to_dict())
    else:
        typer.echo(made.project_id)


@reported
def workspaces(as_json: AsJson = False) -> None:
    """List the workspaces of the key."""
    with client() as flora:
        found = flora.workspaces.list().workspaces
    if as_json:
        emit_json([workspace.to_dict() for workspace in found])
        return
    table(("WORKSPACE", "NAME", "ROLE"), [(each.workspace_id, each.name, each.role) for each in found])
