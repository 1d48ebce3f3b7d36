"""The table of idempotency keys."""

import sqlalchemy as sa

from terrarium_server.store import metadata

idempotency_keys = sa.Table(
    "idempotency_keys",
    metadata,
    sa.Column("workspace_id", sa.Text, primary_key=True),
    sa.Column("operation", sa.Text, primary_key=True),
    # The project or other resource that the operation is about; empty for none.
    sa.Column("destination", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    # What the request made, or the resource that it changed.
    sa.Column("resource_type", sa.Text, nullable=False),
    sa.Column("resource_id", sa.Text, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Index("ix_idempotency_keys_expiry", "expires_at"),
)
