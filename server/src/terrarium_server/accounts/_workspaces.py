"""Workspaces and their members."""

from dataclasses import dataclass
from typing import Literal, get_args

import sqlalchemy as sa

from terrarium_server import ids
from terrarium_server.problems import InvalidInput, NotFound
from terrarium_server.store import Transaction

from ._tables import members, workspaces

Role = Literal["owner", "editor", "viewer"]
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True, slots=True)
class WorkspaceRecord:
    """A workspace; ``rate_limit`` is runs per minute, None for the server's default.

    ``max_priority`` is the highest priority that its runs can have, None for no limit.
    """

    workspace_id: str
    name: str
    rate_limit: int | None
    webhook_secret: str
    created_at: int
    max_priority: int | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A person in a workspace."""

    member_id: str
    workspace_id: str
    email: str
    role: Role
    created_at: int


def create_workspace(tx: Transaction, name: str, *, rate_limit: int | None = None) -> WorkspaceRecord:
    """Create a workspace with a webhook signing secret of its own."""
    record = WorkspaceRecord(ids.mint("ws"), name, rate_limit, ids.mint_secret("whsec"), tx.now_ms)
    tx.execute(
        sa.insert(workspaces),
        {
            "workspace_id": record.workspace_id,
            "name": record.name,
            "rate_limit": record.rate_limit,
            "webhook_secret": record.webhook_secret,
            "created_at": record.created_at,
        },
    )
    return record


def find_workspace(tx: Transaction, workspace_id: str) -> WorkspaceRecord:
    """Return one workspace. Raises NotFound."""
    row = tx.execute(sa.select(workspaces).where(workspaces.c.workspace_id == workspace_id)).one_or_none()
    if row is None:
        raise NotFound(f"There is no workspace {workspace_id}.")
    return WorkspaceRecord(*row)


def list_workspaces(tx: Transaction) -> list[WorkspaceRecord]:
    """Return all workspaces of this server, oldest first."""
    return [
        WorkspaceRecord(*row) for row in tx.execute(sa.select(workspaces).order_by(workspaces.c.workspace_id))
    ]


def count_workspaces(tx: Transaction) -> int:
    """Return the number of workspaces; 0 means that this is the first start."""
    return tx.execute(sa.select(sa.func.count()).select_from(workspaces)).scalar_one()


def set_rate_limit(tx: Transaction, workspace_id: str, rate_limit: int | None) -> None:
    """Set a workspace's runs per minute; None means the server's default. Raises NotFound."""
    _set(tx, workspace_id, rate_limit=rate_limit)


def set_max_priority(tx: Transaction, workspace_id: str, max_priority: int | None) -> None:
    """Set the highest priority that a workspace's new runs can have; None means no limit. Raises NotFound."""
    _set(tx, workspace_id, max_priority=max_priority)


def _set(tx: Transaction, workspace_id: str, **limit: int | None) -> None:
    statement = sa.update(workspaces).where(workspaces.c.workspace_id == workspace_id)
    if tx.execute(statement.values(**limit)).rowcount != 1:
        raise NotFound(f"There is no workspace {workspace_id}.")


def add_member(tx: Transaction, workspace_id: str, email: str, role: Role) -> Member:
    """Add a person to a workspace. Raises NotFound, or InvalidInput if already a member."""
    find_workspace(tx, workspace_id)
    taken = sa.select(members.c.member_id).where(
        members.c.workspace_id == workspace_id, members.c.email == email
    )
    if tx.execute(taken).first() is not None:
        raise InvalidInput.one("email", f"{email} is a member of this workspace already")
    member = Member(ids.mint("mem"), workspace_id, email, role, tx.now_ms)
    tx.execute(
        sa.insert(members),
        {
            "member_id": member.member_id,
            "workspace_id": workspace_id,
            "email": email,
            "role": role,
            "created_at": tx.now_ms,
        },
    )
    return member


def list_members(tx: Transaction, workspace_id: str) -> list[Member]:
    """Return a workspace's members, oldest first."""
    statement = sa.select(members).where(members.c.workspace_id == workspace_id)
    return [Member(*row) for row in tx.execute(statement.order_by(members.c.member_id))]
