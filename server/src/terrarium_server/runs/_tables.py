from typing import Literal

import sqlalchemy as sa

from terrarium_server.store import metadata

RunState = Literal["pending", "running", "completed", "failed", "skipped"]
RunType = Literal["generation", "action", "technique"]

# SQLite uses a partial index only where its condition stands literally in the query, so these texts are
# repeated there word for word.
ROOTS = sa.text("parent_run_id IS NULL")
READY = sa.text("state = 'pending' AND waits_for = 0 AND due_at IS NULL")
POSTPONED = sa.text("state = 'pending' AND due_at IS NOT NULL")
RUNNING = sa.text("state = 'running'")
COMPLETED = sa.text("state = 'completed'")


def _partial(name: str, condition: sa.TextClause, *columns: str) -> sa.Index:
    return sa.Index(name, *columns, sqlite_where=condition, postgresql_where=condition)


runs = sa.Table(
    "runs",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("workspace_id", sa.Text, nullable=False),
    # Both are missing where a run lands on no canvas.
    sa.Column("project_id", sa.Text),
    sa.Column("node_id", sa.Text),
    sa.Column("run_type", sa.Text, nullable=False),
    # What it makes: image, video, audio or text.
    sa.Column("type", sa.Text, nullable=False),
    # The model, action or technique, and a digest of what that was when the run was admitted.
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("subject_version", sa.Text, nullable=False),
    # Who makes it now: the subject's engine, or that of the second model in `fallback`.
    sa.Column("engine", sa.Text),
    # Capabilities that a worker must publish besides the engine, with spaces between.
    sa.Column("requires", sa.Text, nullable=False, server_default=""),
    sa.Column("prompt", sa.Text),
    sa.Column("input", sa.JSON, nullable=False),
    sa.Column("seed", sa.BigInteger, nullable=False),
    # The run that holds the credits of all runs in its graph; itself for a run on its own.
    sa.Column("root_run_id", sa.Text, nullable=False),
    sa.Column("parent_run_id", sa.Text),
    sa.Column("step_path", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("waits_for", sa.Integer, nullable=False, server_default="0"),
    sa.Column("due_at", sa.BigInteger),
    sa.Column("priority", sa.Integer, nullable=False, server_default="0"),
    # Who has it now; every claim has the next number, and what is written under an older one does not count.
    sa.Column("worker_id", sa.Text),
    sa.Column("claim", sa.Integer, nullable=False, server_default="0"),
    # How many workers died with it.
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    # {"model": the second model, "error_code", "error_message": what the first one failed with}
    sa.Column("fallback", sa.JSON(none_as_null=True)),
    sa.Column("held_micros", sa.BigInteger, nullable=False),
    sa.Column("cost_micros", sa.BigInteger),
    # Of a step: what it may cost out of its root's hold. Of a root: what no step may spend yet.
    sa.Column("budget_micros", sa.BigInteger),
    sa.Column("unallotted_micros", sa.BigInteger),
    sa.Column("cache_key", sa.Text),
    sa.Column("cached_from", sa.Text),
    # Who started it: "key:key_…" or "system".
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("callback_url", sa.Text),
    sa.Column("estimated_seconds", sa.Integer),
    sa.Column("error_code", sa.Text),
    sa.Column("error_message", sa.Text),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("started_at", sa.BigInteger),
    sa.Column("completed_at", sa.BigInteger),
    sa.CheckConstraint(
        "state IN ('pending', 'running', 'completed', 'failed', 'skipped')", name="ck_runs_state"
    ),
    sa.CheckConstraint("run_type IN ('generation', 'action', 'technique')", name="ck_runs_run_type"),
    _partial("ix_runs_workspace", ROOTS, "workspace_id", "run_id"),
    _partial("ix_runs_project", ROOTS, "project_id", "run_id"),
    _partial("ix_runs_durations", COMPLETED, "subject", "completed_at"),
    _partial("ix_runs_ready", READY, "engine", "run_id"),
    _partial("ix_runs_postponed", POSTPONED, "due_at"),
    _partial("ix_runs_running", RUNNING, "worker_id"),
)

# What a running run shows. Written often, read often and worth nothing afterwards, so it is no part of the
# run's own row.
run_progress = sa.Table(
    "run_progress",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("worker_id", sa.Text, nullable=False),
    sa.Column("claim", sa.Integer, nullable=False),
    sa.Column("percent", sa.Integer, nullable=False),
    # What there is of the output so far: text, or a small picture as a data: link.
    sa.Column("preview", sa.Text),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    sa.Index("ix_run_progress_age", "updated_at"),
)
