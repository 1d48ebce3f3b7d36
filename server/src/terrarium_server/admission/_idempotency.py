"""Idempotency keys, and their table."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from terrarium_server.problems import DuplicateKey, InvalidInput
from terrarium_server.store import Transaction, metadata

LIFETIME_MS = 2 * 60 * 60 * 1000
_LONGEST_KEY = 255

idempotency_keys = sa.Table(
    "idempotency_keys",
    metadata,
    sa.Column("workspace_id", sa.Text, primary_key=True),
    sa.Column("operation", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Index("ix_idempotency_keys_expiry", "expires_at"),
)

# The statement is the same, but sqlite.Insert and postgresql.Insert are unrelated types.
_CLAIMS: dict[str, sa.Executable] = {}
for _name, _insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert)):
    _statement = _insert(idempotency_keys)
    _CLAIMS[_name] = _statement.on_conflict_do_update(
        index_elements=["workspace_id", "operation", "key"],
        set_={"run_id": _statement.excluded.run_id, "expires_at": _statement.excluded.expires_at},
        where=idempotency_keys.c.expires_at <= _statement.excluded.expires_at - LIFETIME_MS,
    ).returning(idempotency_keys.c.run_id)
_HOLDER = sa.select(idempotency_keys.c.run_id).where(
    idempotency_keys.c.workspace_id == sa.bindparam("workspace"),
    idempotency_keys.c.operation == sa.bindparam("operation_name"),
    idempotency_keys.c.key == sa.bindparam("key_text"),
)


def claim(tx: Transaction, workspace_id: str, operation: str, key: str, run_id: str) -> None:
    """Claim a key for a run for two hours. Raises DuplicateKey while another run has it.

    Concurrent claims wait for each other in the database: the first wins, and if its transaction rolls back,
    the next one does. Raises InvalidInput for a key that is empty, too long or not printable.
    """
    if not key.isprintable() or len(key) > _LONGEST_KEY or not key.strip():
        raise InvalidInput.one("Idempotency-Key", f"Must have 1 to {_LONGEST_KEY} printable characters")
    row = {
        "workspace_id": workspace_id,
        "operation": operation,
        "key": key,
        "run_id": run_id,
        "expires_at": tx.now_ms + LIFETIME_MS,
    }
    # The statement returns a row if the claim succeeded: SQLAlchemy does not keep the row count of an INSERT.
    if tx.execute(_CLAIMS[tx.dialect], row).first() is None:
        names = {"workspace": workspace_id, "operation_name": operation, "key_text": key}
        raise DuplicateKey(tx.execute(_HOLDER, names).scalar_one())


def forget_expired(tx: Transaction) -> None:
    """Delete keys whose two hours are over."""
    tx.execute(sa.delete(idempotency_keys).where(idempotency_keys.c.expires_at <= tx.now_ms))
