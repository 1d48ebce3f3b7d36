"""Workspaces a key can see."""

from ._shapes import Wire


class Workspace(Wire):
    """A workspace and the caller's role in it; ``created_at`` in UTC milliseconds."""

    workspace_id: str
    name: str
    created_at: int | None
    role: str


class WorkspaceList(Wire):
    """The workspaces of the caller."""

    workspaces: list[Workspace]
