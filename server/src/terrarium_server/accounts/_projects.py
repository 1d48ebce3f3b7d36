"""Projects: creating, finding and listing them, and the time of their last activity."""

from dataclasses import dataclass

import sqlalchemy as sa

from terrarium_server import ids
from terrarium_server.problems import NotFound
from terrarium_server.store import Transaction

from ._tables import projects


@dataclass(frozen=True, slots=True)
class ProjectRecord:
    """A project; times are UTC milliseconds."""

    project_id: str
    workspace_id: str
    name: str
    origin: str | None
    created_at: int
    last_modified: int


_RECORD = [projects.c[name] for name in ProjectRecord.__dataclass_fields__]
# Precise enough to sort projects by activity, and seldom enough that runs started together in a project do
# not wait for each other's row lock.
_TOUCH_EVERY_MS = 1000

LAST_MODIFIED = sa.select(projects.c.last_modified).where(
    projects.c.project_id == sa.bindparam("project"), projects.c.workspace_id == sa.bindparam("workspace")
)
_TOUCH = (
    sa.update(projects)
    .where(
        projects.c.project_id == sa.bindparam("project"), projects.c.last_modified < sa.bindparam("before")
    )
    .values(last_modified=sa.bindparam("now"))
)


def create_project(
    tx: Transaction, workspace_id: str, name: str, *, origin: str | None = "api"
) -> ProjectRecord:
    """Create an empty project."""
    record = ProjectRecord(ids.mint("prj"), workspace_id, name, origin, tx.now_ms, tx.now_ms)
    tx.execute(
        sa.insert(projects),
        {
            "project_id": record.project_id,
            "workspace_id": workspace_id,
            "name": name,
            "origin": origin,
            "created_at": tx.now_ms,
            "last_modified": tx.now_ms,
        },
    )
    return record


def find_project(tx: Transaction, workspace_id: str, project_id: str) -> ProjectRecord:
    """Return a project of this workspace. Raises NotFound."""
    row = tx.execute(
        sa.select(*_RECORD).where(
            projects.c.project_id == project_id, projects.c.workspace_id == workspace_id
        )
    ).first()
    if row is None:
        raise NotFound
    return ProjectRecord(*row)


def list_projects(
    tx: Transaction,
    workspace_id: str,
    *,
    limit: int,
    before: tuple[int, str] | None = None,
    query: str | None = None,
) -> list[ProjectRecord]:
    """Return at most ``limit`` projects, the most recently used first.

    ``before`` is the (last_modified, project_id) of the last row of the page before; ``query`` matches names.
    """
    statement = sa.select(*_RECORD).where(projects.c.workspace_id == workspace_id)
    if query:
        statement = statement.where(projects.c.name.icontains(query, autoescape=True))
    if before is not None:
        statement = statement.where(sa.tuple_(projects.c.last_modified, projects.c.project_id) < before)
    statement = statement.order_by(projects.c.last_modified.desc(), projects.c.project_id.desc())
    return [ProjectRecord(*row) for row in tx.execute(statement.limit(limit))]


def touch_project(tx: Transaction, workspace_id: str, project_id: str) -> None:
    """Record activity in a project, to the second. Raises NotFound."""
    row = tx.execute(LAST_MODIFIED, {"project": project_id, "workspace": workspace_id}).first()
    if row is None:
        raise NotFound
    note_activity(tx, project_id, row[0])


def note_activity(tx: Transaction, project_id: str, last_modified: int) -> None:
    """Record activity, to the second, in a project whose last activity was at ``last_modified``."""
    before = tx.now_ms - _TOUCH_EVERY_MS
    if last_modified < before:
        tx.execute(_TOUCH, {"project": project_id, "before": before, "now": tx.now_ms})
