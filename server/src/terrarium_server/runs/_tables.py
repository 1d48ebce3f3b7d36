"""The tables of runs, their edges, their progress, and of the turns in which they are claimed."""

from typing import Literal

import sqlalchemy as sa

from terrarium_server.store import metadata

RunState = Literal["pending", "running", "completed", "failed", "skipped"]
RunType = Literal["generation", "action", "technique", "batch"]
OnFailure = Literal["fail", "skip", "continue"]

# SQLite uses a partial index only for queries that contain its condition literally; queries use these texts.
LISTED = sa.text("is_listed = 1")
READY = sa.text("state = 'pending' AND waits_for = 0 AND due_at IS NULL")
POSTPONED = sa.text("state = 'pending' AND due_at IS NOT NULL")
RUNNING = sa.text("state = 'running'")
COMPLETED = sa.text("state = 'completed'")
MEMBER = sa.text("parent_run_id IS NOT NULL")
WAITING = sa.text("waiting = 1")


def _partial(name: str, condition: sa.TextClause, *columns: str) -> sa.Index:
    return sa.Index(name, *columns, sqlite_where=condition, postgresql_where=condition)


runs = sa.Table(
    "runs",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("workspace_id", sa.Text, nullable=False),
    # Both are null for a run without a place on a canvas.
    sa.Column("project_id", sa.Text),
    sa.Column("node_id", sa.Text),
    sa.Column("run_type", sa.Text, nullable=False),
    # The type of its outputs: image, video, audio or text.
    sa.Column("type", sa.Text, nullable=False),
    # The model, action or technique, and a digest of what that was when the run was admitted.
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("subject_version", sa.Text, nullable=False),
    # The engine that executes it now: the subject's, or that of the model in `fallback`.
    sa.Column("engine", sa.Text),
    # Capabilities that a worker must publish in addition to the engine, separated by spaces.
    sa.Column("requires", sa.Text, nullable=False, server_default=""),
    sa.Column("prompt", sa.Text),
    sa.Column("input", sa.JSON, nullable=False),
    sa.Column("seed", sa.BigInteger, nullable=False),
    # The run that holds the credits for all runs of its graph; the run itself outside a graph.
    sa.Column("root_run_id", sa.Text, nullable=False),
    sa.Column("parent_run_id", sa.Text),
    sa.Column("step_path", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("waits_for", sa.Integer, nullable=False, server_default="0"),
    sa.Column("due_at", sa.BigInteger),
    # Runs of a lower rank are claimed first: the negative of the caller's priority. The column keeps its old
    # name, which processes of an older version read until they are replaced.
    sa.Column("priority", sa.Integer, key="rank", nullable=False, server_default="0"),
    # The worker that has it, and the number of that claim. Writes under an earlier claim change nothing.
    sa.Column("worker_id", sa.Text),
    sa.Column("claim", sa.Integer, nullable=False, server_default="0"),
    # How many workers died while they had it.
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    # {"model": the fallback model, "error_code", "error_message": how the first model failed}
    sa.Column("fallback", sa.JSON(none_as_null=True)),
    sa.Column("held_micros", sa.BigInteger, nullable=False),
    sa.Column("cost_micros", sa.BigInteger),
    # For a step, the part of its root's hold that it may cost. For a root, the part that no step has yet.
    sa.Column("budget_micros", sa.BigInteger),
    sa.Column("unallotted_micros", sa.BigInteger),
    sa.Column("cache_key", sa.Text),
    sa.Column("cached_from", sa.Text),
    # What started it: "key:key_…" or "system".
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("callback_url", sa.Text),
    sa.Column("estimated_seconds", sa.Integer),
    sa.Column("error_code", sa.Text),
    sa.Column("error_message", sa.Text),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("started_at", sa.BigInteger),
    sa.Column("completed_at", sa.BigInteger),
    # The model id of the request, where the owner's [aliases] has the subject stand for it.
    sa.Column("requested_model", sa.Text),
    # 0 for what lists leave out: the steps of a technique, and roots that only hold a graph together.
    sa.Column("is_listed", sa.Integer, nullable=False, server_default="1"),
    # For a root: how many runs of its graph may be ready or running at a time. A run beyond that is gated,
    # which counts as one of the things that it waits for.
    sa.Column("max_parallel", sa.Integer),
    sa.Column("is_gated", sa.Integer, nullable=False, server_default="0"),
    # Why it does not use its engine while it is running: "fetching" its media, or "fetched", until there is
    # capacity for it again. It matters for engines whose limit counts over all workers.
    sa.Column("off_engine", sa.Text),
    sa.CheckConstraint(
        "state IN ('pending', 'running', 'completed', 'failed', 'skipped')", name="ck_runs_state"
    ),
    sa.CheckConstraint("run_type IN ('generation', 'action', 'technique', 'batch')", name="ck_runs_run_type"),
    sa.CheckConstraint("off_engine IN ('fetching', 'fetched')", name="ck_runs_off_engine"),
    # The lists: each state of a workspace or of a project is a range in the order of its run ids.
    _partial("ix_runs_workspace", LISTED, "workspace_id", "state", "run_id"),
    _partial("ix_runs_project", LISTED, "project_id", "state", "run_id"),
    _partial("ix_runs_durations", COMPLETED, "subject", "completed_at"),
    # The order in which a workspace's runs are claimed for an engine.
    _partial("ix_runs_ready", READY, "engine", "workspace_id", "rank", "run_id"),
    _partial("ix_runs_postponed", POSTPONED, "due_at"),
    _partial("ix_runs_running", RUNNING, "worker_id"),
    _partial("ix_runs_running_by_engine", RUNNING, "engine"),
    _partial("ix_runs_graph", MEMBER, "root_run_id", "run_id"),
)

# What a run waits for. The edges never change; `runs.waits_for` counts those whose first run has not ended.
run_edges = sa.Table(
    "run_edges",
    metadata,
    sa.Column("from_run_id", sa.Text, primary_key=True),
    sa.Column("to_run_id", sa.Text, primary_key=True),
    # The parameter of the second run that takes the outputs of the first one, or "".
    sa.Column("slot", sa.Text, primary_key=True),
    # If the first run does not complete: fail the graph, skip the second run, or continue without it.
    sa.Column("on_failure", sa.Text, nullable=False),
    sa.CheckConstraint("on_failure IN ('fail', 'skip', 'continue')", name="ck_run_edges_on_failure"),
    sa.Index("ix_run_edges_to", "to_run_id"),
)

# An engine's row is locked by whoever claims its runs. `served` is the number of its last turn; every claim
# takes a block of numbers.
engines = sa.Table(
    "engines",
    metadata,
    sa.Column("engine", sa.Text, primary_key=True),
    sa.Column("served", sa.BigInteger, nullable=False),
)

# Which workspaces have ready runs for an engine (`waiting`), and when each was last served, as a value of
# `engines.served`. A row is kept when nothing waits: a workspace without one would be served first.
turns = sa.Table(
    "turns",
    metadata,
    sa.Column("engine", sa.Text, primary_key=True),
    sa.Column("workspace_id", sa.Text, primary_key=True),
    sa.Column("last_served", sa.BigInteger, nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("waiting", sa.Integer, nullable=False),
    _partial("ix_turns_waiting", WAITING, "engine", "last_served", "since", "workspace_id"),
)

# What a running run shows. It is written and read often and worthless afterwards, so it has a row of its own.
run_progress = sa.Table(
    "run_progress",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("worker_id", sa.Text, nullable=False),
    sa.Column("claim", sa.Integer, nullable=False),
    sa.Column("percent", sa.Integer, nullable=False),
    # The output so far: text, or a small picture as a data: URL.
    sa.Column("preview", sa.Text),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    sa.Index("ix_run_progress_age", "updated_at"),
)
