"""Projects and the media nodes on their canvas."""

from ._shapes import Body, GenerationType, Name, PageMeta, Wire, WorkspaceId


class CreateProject(Body):
    """Body of ``POST /projects``."""

    name: Name
    workspace_id: WorkspaceId


class Project(Wire):
    """A project. Times are UTC milliseconds."""

    project_id: str
    name: str
    workspace_id: str
    origin: str | None
    last_modified: int | None
    created_at: int


class ProjectPage(Wire):
    """One page, most recently used first."""

    projects: list[Project]
    meta: PageMeta


class Node(Wire):
    """A visible media node; ``url`` is the text itself on text nodes. Sizes are pixels."""

    node_id: str
    type: GenerationType
    label: str | None = None
    asset_id: str | None = None
    url: str | None = None
    width: int | None = None
    height: int | None = None


class NodePage(Wire):
    """One page of a project's nodes, oldest first."""

    project_id: str
    canvas_url: str
    nodes: list[Node]
    meta: PageMeta
