from typing import Literal

import sqlalchemy as sa

from terrarium_server.store import metadata

RunState = Literal["pending", "running", "completed", "failed"]

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("workspace_id", sa.Text, nullable=False),
    sa.Column("project_id", sa.Text, nullable=False),
    sa.Column("key_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("model_id", sa.Text, nullable=False),
    sa.Column("prompt", sa.Text, nullable=False),
    sa.Column("params", sa.JSON, nullable=False),
    sa.Column("node_id", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("progress", sa.Integer, nullable=False),
    sa.Column("held_micros", sa.BigInteger, nullable=False),
    sa.Column("cost_micros", sa.BigInteger),
    sa.Column("estimated_seconds", sa.Integer),
    sa.Column("error_code", sa.Text),
    sa.Column("error_message", sa.Text),
    # What there is to see while it is running: text, or a small picture as a data: link.
    sa.Column("preview", sa.Text),
    sa.Column("worker_id", sa.Text),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("started_at", sa.BigInteger),
    sa.Column("completed_at", sa.BigInteger),
    sa.CheckConstraint("state IN ('pending', 'running', 'completed', 'failed')", name="ck_runs_state"),
    sa.Index("ix_runs_workspace", "workspace_id", "run_id"),
    sa.Index("ix_runs_project", "project_id", "run_id"),
    sa.Index("ix_runs_model", "model_id", "completed_at"),
    # Written with OR, and asked for with the state spelled out in the statement: SQLite uses a partial index
    # only where one of its terms stands literally in the query.
    sa.Index(
        "ix_runs_unfinished",
        "state",
        "run_id",
        sqlite_where=sa.text("state = 'pending' OR state = 'running'"),
        postgresql_where=sa.text("state = 'pending' OR state = 'running'"),
    ),
)
