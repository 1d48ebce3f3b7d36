"""Projects and the nodes on their canvas."""

from typing import Annotated, cast

from fastapi import Query

from terrarium_server import accounts, assets, canvas, ids, wire
from terrarium_server.accounts import Caller, ProjectRecord
from terrarium_server.assets import KeptOutput
from terrarium_server.canvas import NodeRecord
from terrarium_server.problems import Resource
from terrarium_server.store import Transaction

from . import present
from ._api import api
from ._context import Authenticated, Mutating
from .paging import DEFAULT_LIMIT, Cursor, Limit, decode_cursor, encode_cursor


@api.get("/projects", tags=["projects"], operation_id="projects_list")
async def list_projects(
    context: Authenticated,
    workspace_id: wire.WorkspaceId,
    limit: Limit = None,
    cursor: Cursor = None,
    query: Annotated[wire.NamePart | None, Query(description="Part of the name")] = None,
) -> wire.ProjectPage:
    """List projects, most recently used first."""
    position = decode_cursor(cursor, int, str)
    size = limit or DEFAULT_LIMIT

    def work(tx: Transaction, caller: Caller) -> list[ProjectRecord]:
        caller.require_workspace(workspace_id)
        before = cast(tuple[int, str] | None, position)
        return accounts.list_projects(tx, workspace_id, limit=size + 1, before=before, query=query)

    rows = await context.read(work)
    page = rows[:size]
    last = page[-1] if len(rows) > size else None
    return wire.ProjectPage(
        projects=[present.project(record) for record in page],
        meta=wire.PageMeta(next_cursor=encode_cursor(last.last_modified, last.project_id) if last else None),
    )


@api.post("/projects", tags=["projects"], status_code=201, operation_id="projects_create")
async def create_project(body: wire.CreateProject, context: Mutating) -> wire.Project:
    """Create an empty project."""
    project_id = ids.mint("prj")

    def work(tx: Transaction, caller: Caller) -> ProjectRecord:
        caller.require_workspace(body.workspace_id)
        caller.require_editor()
        return accounts.create_project(tx, caller.workspace_id, body.name, project_id=project_id)

    record = await context.write("create project", work, resource=Resource("project", project_id))
    return present.project(record)


@api.get("/projects/{project_id}", tags=["projects"], operation_id="projects_retrieve")
async def retrieve_project(project_id: wire.ProjectId, context: Authenticated) -> wire.Project:
    """Show one project."""
    record = await context.read(lambda tx, caller: accounts.find_project(tx, caller.workspace_id, project_id))
    return present.project(record)


@api.get("/projects/{project_id}/nodes", tags=["projects"], operation_id="projects_list_nodes")
async def list_nodes(
    project_id: wire.ProjectId, context: Authenticated, limit: Limit = None, cursor: Cursor = None
) -> wire.NodePage:
    """List the media nodes on a project's canvas in the order they were placed."""
    position = cast(tuple[int, int] | None, decode_cursor(cursor, int, int))
    size = limit or DEFAULT_LIMIT

    def work(tx: Transaction, caller: Caller) -> tuple[list[NodeRecord], dict[str, KeptOutput]]:
        accounts.find_project(tx, caller.workspace_id, project_id)
        rows = canvas.list_nodes(tx, project_id, limit=size + 1, after=position)
        return rows, assets.outputs_by_id(tx, [node.output_id for node in rows if node.output_id])

    rows, outputs = await context.read(work)
    page = rows[:size]
    last = page[-1] if len(rows) > size else None
    return wire.NodePage(
        project_id=project_id,
        canvas_url=f"{context.base_url}/projects/{project_id}",
        nodes=[present.node(node, outputs.get(node.output_id or ""), context.base_url) for node in page],
        meta=wire.PageMeta(next_cursor=encode_cursor(last.place, last.output_index) if last else None),
    )
