"""Graphs of runs: the edges between them, and ledger entries that carry a cost."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "run_edges",
        sa.Column("from_run_id", sa.Text(), nullable=False),
        sa.Column("to_run_id", sa.Text(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("on_failure", sa.Text(), nullable=False),
        sa.CheckConstraint("on_failure IN ('fail', 'skip', 'continue')", name="ck_run_edges_on_failure"),
        sa.PrimaryKeyConstraint("from_run_id", "to_run_id", "slot"),
    )
    op.create_index("ix_run_edges_to", "run_edges", ["to_run_id"], unique=False)
    op.add_column("ledger_entries", sa.Column("cost_micros", sa.BigInteger()))
