"""``terrarium models``, ``projects`` and ``workspaces``."""

from typing import Annotated, Literal

import typer

from ._defaults import client, first_workspace
from ._format import duration, table, timestamp, usd
from ._plugins import LazyModelsGroup
from ._report import emit_json, note, reports_errors

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, and nothing else.")]
RunId = Annotated[str, typer.Argument(help="Run id.", metavar="RUN_ID")]
Workspace = Annotated[
    str | None, typer.Option("--workspace", "-w", help="Workspace id.", show_default="the key's first")
]
OutputType = Literal["image", "video", "audio", "text"]

projects = typer.Typer(help="List and create projects.", no_args_is_help=True)

models = typer.Typer(
    cls=LazyModelsGroup, invoke_without_command=True, help="List the models, and download what they need."
)


@models.callback()
@reports_errors
def list_models(
    context: typer.Context,
    type: Annotated[OutputType | None, typer.Option("--type", "-t", help="Only models of this type.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", "-a", help="Also list models that cannot be used now, and why.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the models with price, usual duration and parameters, and what other ids stand for them."""
    if context.invoked_subcommand is not None:
        return
    with client() as flora:
        listed = flora.models.list(type=type, unavailable=everything).models
    if as_json:
        emit_json([model.to_dict() for model in listed])
        return
    if not listed:
        hint = "" if everything else " `terrarium models --all` shows what is missing, if anything."
        note(f"No models.{hint}")
        return
    rows = [
        (
            model.model_id,
            model.type,
            model.name,
            model.provider,
            # One credit is a tenth of a cent.
            usd(model.estimated_credits / 1000),
            duration(model.estimated_seconds),
            " ".join(param.name for param in model.params),
        )
        for model in listed
    ]
    columns = ("MODEL", "TYPE", "NAME", "PROVIDER", "COST", "TIME", "PARAMETERS")
    table(columns, rows, right=("COST", "TIME"))
    aliases = [(alias, model.model_id) for model in listed for alias in model.aliases or ()]
    if aliases:
        typer.echo()
        table(("ALIAS", "MODEL"), aliases)
    for model in listed:
        if model.unavailable:
            note(f"{model.model_id} cannot be used now: {model.unavailable}")


@projects.command("list")
@reports_errors
def list_projects(
    workspace: Workspace = None,
    query: Annotated[str | None, typer.Option(help="Only projects whose name contains this.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The most to list.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List projects, most recently used first."""
    from itertools import islice

    with client() as flora:
        workspace = workspace or first_workspace(flora)
        page = flora.projects.list(workspace_id=workspace, query=query, limit=min(limit, 100))
        listed = list(islice(page, limit))
    if as_json:
        emit_json([project.to_dict() for project in listed])
        return
    table(
        ("PROJECT", "NAME", "LAST USED"),
        [(each.project_id, each.name, timestamp(each.last_modified or each.created_at)) for each in listed],
    )


@projects.command("create")
@reports_errors
def create_project(
    name: Annotated[str, typer.Argument(help="The name of the project.")],
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Create a project and print its id."""
    with client() as flora:
        created = flora.projects.create(name=name, workspace_id=workspace or first_workspace(flora))
    if as_json:
        emit_json(created.to_dict())
    else:
        typer.echo(created.project_id)


@reports_errors
def workspaces(as_json: AsJson = False) -> None:
    """List the workspaces of the key."""
    with client() as flora:
        listed = flora.workspaces.list().workspaces
    if as_json:
        emit_json([workspace.to_dict() for workspace in listed])
        return
    table(("WORKSPACE", "NAME", "ROLE"), [(each.workspace_id, each.name, each.role) for each in listed])
