"""Idempotency keys for every operation, in the scope of their destination, and the rate of starts as a time.

Keys of starts keep what they made; their destination is the run's project.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_KEYS = """
    INSERT INTO idempotency_keys (
        workspace_id, operation, destination, key, resource_type, resource_id, expires_at
    )
    SELECT k.workspace_id, k.operation, coalesce(r.project_id, ''), k.key, 'run', k.run_id, k.expires_at
    FROM idempotency_keys_0006 k LEFT JOIN runs r ON r.run_id = k.run_id
"""


def upgrade() -> None:
    """Apply."""
    op.drop_index("ix_idempotency_keys_expiry", "idempotency_keys")
    op.rename_table("idempotency_keys", "idempotency_keys_0006")
    if op.get_bind().dialect.name == "postgresql":
        # The new table needs this name.
        op.drop_constraint("idempotency_keys_pkey", "idempotency_keys_0006")
    op.create_table(
        "idempotency_keys",
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("resource_type", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "operation", "destination", "key"),
    )
    op.execute(_KEYS)
    op.drop_table("idempotency_keys_0006")
    op.create_index("ix_idempotency_keys_expiry", "idempotency_keys", ["expires_at"], unique=False)
    op.add_column(
        "ledger_balances",
        sa.Column("starts_full_at", sa.BigInteger(), server_default="0", nullable=False),
    )
