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
_TOUCH = (
    sa.update(projects)
    .where(
        projects.c.project_id == sa.bindparam("project"),
        projects.c.workspace_id == sa.bindparam("workspace"),
    )
    .values(last_modified=sa.bindparam("now"), places=projects.c.places + 1)
    .returning(projects.c.places)
)


def create_project(
    tx: Transaction, workspace_id: str, name: str, *, origin: str | None = "api"
) -> ProjectRecord:
    """Make an empty project."""
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
            "places": 0,
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
    """Return projects by recent activity, at most ``limit``, after the one ``before`` names.

    ``before`` is the (last_modified, project_id) of the last row seen; ``query`` matches names.
    """
    statement = sa.select(*_RECORD).where(projects.c.workspace_id == workspace_id)
    if query:
        statement = statement.where(projects.c.name.icontains(query, autoescape=True))
    if before is not None:
        statement = statement.where(sa.tuple_(projects.c.last_modified, projects.c.project_id) < before)
    statement = statement.order_by(projects.c.last_modified.desc(), projects.c.project_id.desc())
    return [ProjectRecord(*row) for row in tx.execute(statement.limit(limit))]


def touch_project(tx: Transaction, workspace_id: str, project_id: str) -> int:
    """Note activity in a project and give out its next canvas place, counted from 0. Raises NotFound."""
    parameters = {"project": project_id, "workspace": workspace_id, "now": tx.now_ms}
    row = tx.execute(_TOUCH, parameters).first()
    if row is None:
        raise NotFound
    return int(row[0]) - 1
