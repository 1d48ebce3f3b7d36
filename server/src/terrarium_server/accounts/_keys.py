"""API keys: creating, checking, listing and revoking them, and what each has spent."""

import hashlib
from dataclasses import dataclass

import sqlalchemy as sa

from terrarium_server import ids
from terrarium_server.problems import Forbidden, InsufficientCredits, InvalidInput, NotFound, Unauthorized
from terrarium_server.store import Transaction

from ._tables import api_keys, workspaces
from ._workspaces import Role, find_workspace


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request: the key with its workspace and role.

    ``rate_limit`` and ``max_priority``, the highest priority that runs can have, are the workspace's.
    """

    key_id: str
    role: Role
    workspace_id: str
    workspace_name: str
    workspace_created_at: int
    rate_limit: int | None
    max_priority: int | None
    has_spending_cap: bool

    def require_editor(self) -> None:
        """Raises Forbidden for a key that may only read."""
        if self.role == "viewer":
            raise Forbidden

    def require_workspace(self, workspace_id: str) -> None:
        """Raises NotFound for every workspace except the key's own, whether it exists or not."""
        if workspace_id != self.workspace_id:
            raise NotFound


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key without its secret; times are UTC milliseconds, money micro-USD."""

    key_id: str
    workspace_id: str
    name: str
    role: Role
    hint: str
    spending_cap_micros: int | None
    spent_micros: int
    created_at: int
    expires_at: int | None
    revoked_at: int | None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A new key. Its secret and the webhook secret are shown only here."""

    key_id: str
    api_key: str
    webhook_secret: str


_RECORD = [api_keys.c[name] for name in KeyRecord.__dataclass_fields__]
_CALLER = (
    sa.select(
        api_keys.c.key_id,
        api_keys.c.role,
        api_keys.c.workspace_id,
        workspaces.c.name,
        workspaces.c.created_at,
        workspaces.c.rate_limit,
        workspaces.c.max_priority,
        api_keys.c.spending_cap_micros.is_not(None),
        api_keys.c.expires_at,
        api_keys.c.revoked_at,
    )
    .join_from(api_keys, workspaces, api_keys.c.workspace_id == workspaces.c.workspace_id)
    .where(api_keys.c.digest == sa.bindparam("digest"))
)


def _digest(secret: str) -> bytes:
    # One round of SHA-256 is enough for 160 random bits. Choosing a strong preset key is up to the owner.
    return hashlib.sha256(secret.encode()).digest()


def create_key(
    tx: Transaction,
    workspace_id: str,
    *,
    name: str = "key",
    role: Role = "editor",
    expires_at: int | None = None,
    spending_cap_micros: int | None = None,
    secret: str | None = None,
) -> NewKey:
    """Create a key for a workspace. Raises NotFound, or InvalidInput if ``secret`` is a key already."""
    workspace = find_workspace(tx, workspace_id)
    api_key = secret if secret is not None else ids.mint_secret("sk_live")
    digest = _digest(api_key)
    if tx.execute(sa.select(api_keys.c.key_id).where(api_keys.c.digest == digest)).first() is not None:
        raise InvalidInput.one("secret", "This key exists already")
    key_id = ids.mint("key")
    tx.execute(
        sa.insert(api_keys),
        {
            "key_id": key_id,
            "workspace_id": workspace_id,
            "name": name,
            "role": role,
            "digest": digest,
            "hint": api_key[-4:],
            "spending_cap_micros": spending_cap_micros,
            "spent_micros": 0,
            "created_at": tx.now_ms,
            "expires_at": expires_at,
        },
    )
    return NewKey(key_id, api_key, workspace.webhook_secret)


def authenticate(tx: Transaction, secret: str) -> Caller:
    """Return the caller with this key. Raises Unauthorized if it is unknown, expired or revoked."""
    row = tx.execute(_CALLER, {"digest": _digest(secret)}).first()
    if row is None:
        raise Unauthorized
    *fields, has_cap, expires_at, revoked_at = tuple(row)
    if revoked_at is not None or (expires_at is not None and expires_at <= tx.now_ms):
        raise Unauthorized
    return Caller(*fields, has_spending_cap=bool(has_cap))


def list_keys(tx: Transaction, workspace_id: str) -> list[KeyRecord]:
    """Return a workspace's keys, oldest first, revoked ones included."""
    statement = sa.select(*_RECORD).where(api_keys.c.workspace_id == workspace_id)
    return [KeyRecord(*row) for row in tx.execute(statement.order_by(api_keys.c.key_id))]


def revoke_key(tx: Transaction, key_id: str) -> None:
    """Revoke a key at once. Raises NotFound; revoking twice changes nothing."""
    if tx.execute(sa.select(api_keys.c.key_id).where(api_keys.c.key_id == key_id)).first() is None:
        raise NotFound(f"There is no key {key_id}.")
    tx.execute(
        sa.update(api_keys)
        .where(api_keys.c.key_id == key_id, api_keys.c.revoked_at.is_(None))
        .values(revoked_at=tx.now_ms)
    )


def spend(tx: Transaction, key_id: str, amount_micros: int) -> None:
    """Count a hold against the key's spending cap. Raises InsufficientCredits if it does not fit."""
    statement = (
        sa.update(api_keys)
        .where(
            api_keys.c.key_id == key_id,
            sa.or_(
                api_keys.c.spending_cap_micros.is_(None),
                api_keys.c.spent_micros + amount_micros <= api_keys.c.spending_cap_micros,
            ),
        )
        .values(spent_micros=api_keys.c.spent_micros + amount_micros)
    )
    if tx.execute(statement).rowcount != 1:
        raise InsufficientCredits("Insufficient credits: this key's spending cap is reached.")


def refund(tx: Transaction, key_id: str, amount_micros: int) -> None:
    """Subtract from the key's spending what `spend` counted and the run did not cost."""
    statement = sa.update(api_keys).where(api_keys.c.key_id == key_id)
    tx.execute(
        statement.where(api_keys.c.spending_cap_micros.is_not(None)).values(
            spent_micros=api_keys.c.spent_micros - amount_micros
        )
    )
