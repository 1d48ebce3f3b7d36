"""The caller's workspaces: a key belongs to one."""

from terrarium_server import wire

from ._api import api
from ._context import Authenticated


@api.get("/workspaces", tags=["workspaces"], operation_id="workspaces_list")
async def list_workspaces(context: Authenticated) -> wire.WorkspaceList:
    """List the workspaces this key can use, and its role there."""
    caller = await context.read(lambda _tx, caller: caller)
    workspace = wire.Workspace(
        workspace_id=caller.workspace_id,
        name=caller.workspace_name,
        created_at=caller.workspace_created_at,
        role=caller.role,
    )
    return wire.WorkspaceList(workspaces=[workspace])
