"""Projects: creating, finding and listing them, and the time of their last activity."""

from dataclasses import dataclass
from typing import Any

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
# Seldom enough that runs started together in a project do not wait for each other's row lock. A project that
# is not its workspace's most recent one is written at once, so that the order of the list is always right.
_WRITTEN_EVERY_MS = 1000

_others = projects.alias("others")
_OF_WORKSPACE = _others.c.workspace_id == projects.c.workspace_id
_MOST_RECENT = (
    sa.select(_others.c.project_id)
    .where(_OF_WORKSPACE)
    .order_by(_others.c.last_modified.desc(), _others.c.project_id.desc())
    .limit(1)
    .scalar_subquery()
)
_LATEST = sa.select(sa.func.max(_others.c.last_modified)).where(_OF_WORKSPACE).scalar_subquery()
_LATEST_OF = sa.select(sa.func.max(projects.c.last_modified)).where(
    projects.c.workspace_id == sa.bindparam("workspace")
)
_NOW = sa.bindparam("active_at", type_=sa.BigInteger)
_IS_DUE = sa.or_(projects.c.last_modified < _NOW - _WRITTEN_EVERY_MS, projects.c.project_id != _MOST_RECENT)
_THIS = (
    projects.c.project_id == sa.bindparam("project"),
    projects.c.workspace_id == sa.bindparam("workspace"),
)

IS_ACTIVITY_DUE = sa.select(_IS_DUE).where(*_THIS)
_NOTE = (
    sa.update(projects)
    .where(*_THIS, _IS_DUE)
    # Later than all others, also within one millisecond and when the clocks of two processes differ.
    .values(last_modified=sa.case((_NOW > _LATEST, _NOW), else_=_LATEST + 1))
)


def create_project(
    tx: Transaction,
    workspace_id: str,
    name: str,
    *,
    origin: str | None = "api",
    project_id: str | None = None,
) -> ProjectRecord:
    """Create an empty project, under ``project_id`` if given; it is the most recent one of its workspace."""
    project_id = project_id or ids.mint("prj")
    latest = tx.execute(_LATEST_OF, {"workspace": workspace_id}).scalar()
    last_modified = tx.now_ms if latest is None else max(tx.now_ms, latest + 1)
    record = ProjectRecord(project_id, workspace_id, name, origin, tx.now_ms, last_modified)
    tx.execute(
        sa.insert(projects),
        {
            "project_id": record.project_id,
            "workspace_id": workspace_id,
            "name": name,
            "origin": origin,
            "created_at": tx.now_ms,
            "last_modified": last_modified,
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
    """Record activity in a project, see `note_activity`. Raises NotFound."""
    is_due = tx.execute(IS_ACTIVITY_DUE, activity_values(tx, workspace_id, project_id)).scalar()
    if is_due is None:
        raise NotFound
    if is_due:
        note_activity(tx, workspace_id, project_id)


def note_activity(tx: Transaction, workspace_id: str, project_id: str) -> None:
    """Make a project the most recent one of its workspace; nothing happens if it does not exist.

    While it is the most recent one already, its time is written once a second.
    """
    tx.execute(_NOTE, activity_values(tx, workspace_id, project_id))


def activity_values(tx: Transaction, workspace_id: str, project_id: str) -> dict[str, Any]:
    """Return what `IS_ACTIVITY_DUE` binds, which selects whether `note_activity` would write anything."""
    return {"project": project_id, "workspace": workspace_id, "active_at": tx.now_ms}
