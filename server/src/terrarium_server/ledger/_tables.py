"""The tables of ledger entries and balances."""

import sqlalchemy as sa

from terrarium_server.store import metadata

entries = sa.Table(
    "ledger_entries",
    metadata,
    sa.Column("entry_id", sa.Text, primary_key=True),
    sa.Column("workspace_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("amount_micros", sa.BigInteger, nullable=False),
    sa.Column("run_id", sa.Text),
    # "open" for the hold, "close" for the entry that ends it; a run has at most one of each.
    sa.Column("phase", sa.Text),
    sa.Column("note", sa.Text),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    # What a run inside a graph cost. Its entry moves nothing: the hold is its root's.
    sa.Column("cost_micros", sa.BigInteger),
    sa.UniqueConstraint("run_id", "phase", name="uq_ledger_entries_run_phase"),
    sa.CheckConstraint("kind IN ('grant', 'hold', 'settle', 'release')", name="ck_ledger_entries_kind"),
    sa.Index("ix_ledger_entries_workspace", "workspace_id", "entry_id"),
)

balances = sa.Table(
    "ledger_balances",
    metadata,
    sa.Column("workspace_id", sa.Text, primary_key=True),
    sa.Column("balance_micros", sa.BigInteger, nullable=False),
    # When the workspace may again start as many runs at once as its rate limit says, in UTC microseconds. It
    # is in this row because every start locks it anyway.
    sa.Column("starts_full_at", sa.BigInteger, nullable=False, server_default="0"),
    sa.CheckConstraint("balance_micros >= 0", name="ck_ledger_balances_not_negative"),
)
