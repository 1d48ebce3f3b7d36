"""Claiming idempotency keys, and deleting expired ones."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from terrarium_server.problems import DuplicateKey, InvalidInput, Resource
from terrarium_server.store import Transaction

from ._tables import idempotency_keys

LIFETIME_MS = 2 * 60 * 60 * 1000
_LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a key counts: the same key in another scope is another key."""

    workspace_id: str
    operation: str
    destination: str = ""


_PRIMARY_KEY = [column.name for column in idempotency_keys.primary_key]
# The statement is the same, but sqlite.Insert and postgresql.Insert are unrelated types.
_CLAIMS: dict[str, sa.Executable] = {}
for _name, _insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert)):
    _statement = _insert(idempotency_keys)
    _new = _statement.excluded
    _CLAIMS[_name] = _statement.on_conflict_do_update(
        index_elements=_PRIMARY_KEY,
        set_={
            "resource_type": _new.resource_type,
            "resource_id": _new.resource_id,
            "expires_at": _new.expires_at,
        },
        where=idempotency_keys.c.expires_at <= _new.expires_at - LIFETIME_MS,
    ).returning(idempotency_keys.c.resource_id)
_HOLDER = sa.select(idempotency_keys.c.resource_type, idempotency_keys.c.resource_id).where(
    *(idempotency_keys.c[name] == sa.bindparam(f"held_{name}") for name in _PRIMARY_KEY)
)


def claim(tx: Transaction, scope: Scope, key: str, resource: Resource) -> None:
    """Claim a key for two hours, for what the request makes or changes.

    Concurrent claims wait for each other in the database: the first wins, and if its transaction rolls back,
    the next one does. Raises DuplicateKey while another request has the key, and InvalidInput for a key that
    is empty, too long or not printable.
    """
    if not key.isprintable() or len(key) > _LONGEST_KEY or not key.strip():
        raise InvalidInput.one("Idempotency-Key", f"Must have 1 to {_LONGEST_KEY} printable characters")
    names = {
        "workspace_id": scope.workspace_id,
        "operation": scope.operation,
        "destination": scope.destination,
        "key": key,
    }
    row = {
        **names,
        "resource_type": resource.type,
        "resource_id": resource.id,
        "expires_at": tx.now_ms + LIFETIME_MS,
    }
    # The statement returns a row if the claim succeeded: SQLAlchemy does not keep the row count of an INSERT.
    if tx.execute(_CLAIMS[tx.dialect], row).first() is None:
        holder = tx.execute(_HOLDER, {f"held_{name}": value for name, value in names.items()}).one()
        raise DuplicateKey(Resource(*holder))


def forget_expired(tx: Transaction) -> None:
    """Delete keys whose two hours are over."""
    tx.execute(sa.delete(idempotency_keys).where(idempotency_keys.c.expires_at <= tx.now_ms))
