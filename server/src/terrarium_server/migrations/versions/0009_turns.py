"""Turns: workspaces alternate in the queue of an engine, and priorities order the runs of one workspace.

The table of runs is made anew on SQLite, which cannot change a constraint. It gets what graphs of runs need
too, so that it is copied once.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_READY = "state = 'pending' AND waits_for = 0 AND due_at IS NULL"
_INDEXES = {
    "ix_runs_workspace": (["workspace_id", "state", "run_id"], "is_listed = 1"),
    "ix_runs_project": (["project_id", "state", "run_id"], "is_listed = 1"),
    "ix_runs_durations": (["subject", "completed_at"], "state = 'completed'"),
    "ix_runs_ready": (["engine", "workspace_id", "priority", "run_id"], _READY),
    "ix_runs_postponed": (["due_at"], "state = 'pending' AND due_at IS NOT NULL"),
    "ix_runs_running": (["worker_id"], "state = 'running'"),
    "ix_runs_running_by_engine": (["engine"], "state = 'running'"),
    "ix_runs_graph": (["root_run_id", "run_id"], "parent_run_id IS NOT NULL"),
}
_OLD_INDEXES = ("workspace", "project", "durations", "ready", "postponed", "running")


def upgrade() -> None:
    """Apply."""
    for name in _OLD_INDEXES:
        op.drop_index(f"ix_runs_{name}", "runs")
    with op.batch_alter_table("runs") as runs:
        runs.add_column(sa.Column("is_listed", sa.Integer(), server_default="1", nullable=False))
        runs.add_column(sa.Column("max_parallel", sa.Integer()))
        runs.add_column(sa.Column("is_gated", sa.Integer(), server_default="0", nullable=False))
        runs.add_column(sa.Column("off_engine", sa.Text()))
        runs.create_check_constraint("ck_runs_off_engine", "off_engine IN ('fetching', 'fetched')")
        runs.drop_constraint("ck_runs_run_type", type_="check")
        runs.create_check_constraint(
            "ck_runs_run_type", "run_type IN ('generation', 'action', 'technique', 'batch')"
        )
    for name, (columns, condition) in _INDEXES.items():
        where = sa.text(condition)
        op.create_index(name, "runs", columns, unique=False, sqlite_where=where, postgresql_where=where)
    op.add_column("workspaces", sa.Column("max_priority", sa.Integer()))
    _create_turns()


def _create_turns() -> None:
    op.create_table(
        "engines",
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("served", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("engine"),
    )
    op.create_table(
        "turns",
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("last_served", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("engine", "workspace_id"),
    )
    waiting = sa.text("waiting = 1")
    op.create_index(
        "ix_turns_waiting",
        "turns",
        ["engine", "last_served", "since", "workspace_id"],
        unique=False,
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.execute(
        "INSERT INTO turns (engine, workspace_id, last_served, since, waiting)"
        " SELECT engine, workspace_id, 0, min(created_at), 1 FROM runs"
        " WHERE state = 'pending' AND waits_for = 0 AND due_at IS NULL AND engine IS NOT NULL"
        " GROUP BY engine, workspace_id"
    )
    op.execute("INSERT INTO engines (engine, served) SELECT DISTINCT engine, 0 FROM turns")
