"""The execution core: runs of any type, submissions instead of durable steps, leases for workers, no DBOS.

A run that was running continues with its ticket, if one was recorded. It is requeued if it certainly reached
no provider. Otherwise it fails, and its hold is released.
"""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from alembic import context, op

from terrarium_server import ids
from terrarium_server.migrations import _dbos

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_log = logging.getLogger("terrarium_server.migrations")

_CHUNK = 1000

_COPIED = (
    "run_id workspace_id project_id node_id type prompt state worker_id held_micros cost_micros "
    "estimated_seconds error_code error_message created_at started_at completed_at"
).split()
# Columns with a new name or meaning.
_CHANGED = {
    "run_type": "kind",
    "subject": "model_id",
    "subject_version": "''",
    "input": "params",
    "root_run_id": "run_id",
    "actor": "'key:' || key_id",
    # It counted claims, less those that were requeued; now it counts deaths of workers.
    "attempts": "CASE WHEN state = 'pending' OR attempts = 0 THEN attempts ELSE attempts - 1 END",
}
# The caller's seed, or the one that workers derived from the run's id.
_DERIVED = "('x' || encode(substr(sha256(convert_to(run_id, 'UTF8')), 1, 6), 'hex'))::bit(48)::bigint"
_SEED = {
    "sqlite": "migrated_seed(run_id, params)",
    # One condition at a time, because only CASE keeps PostgreSQL from evaluating the later ones first.
    "postgresql": f"""
        CASE
        WHEN position('"seed"' IN params::text) = 0 THEN {_DERIVED}
        WHEN json_typeof(params -> 'seed') IS DISTINCT FROM 'number' THEN {_DERIVED}
        WHEN params ->> 'seed' ~ '^-?[0-9]{{1,18}}$' THEN (params ->> 'seed')::bigint
        ELSE {_DERIVED}
        END
    """,
}

_UNDECIDED = sa.text(
    "SELECT run_id, workspace_id, subject, engine, state, worker_id, held_micros, actor FROM runs"
    " WHERE (state = 'running' OR state = 'pending' AND engine IS NULL) AND run_id > :after"
    " ORDER BY run_id LIMIT :count"
)
_REQUEUE = sa.text(
    "UPDATE runs SET state = 'pending', worker_id = NULL, started_at = NULL WHERE run_id = :run"
)
_KEEP = sa.text(
    "UPDATE runs SET worker_id = NULL, claim = 1, engine = :engine, fallback = :fallback WHERE run_id = :run"
).bindparams(sa.bindparam("fallback", type_=sa.JSON(none_as_null=True)))
_SUBMISSION = sa.text(
    "INSERT INTO submissions (run_id, number, engine, model, key, mark, state, ticket, followers, worker_id,"
    " process, marked_at)"
    " VALUES (:run, 1, :engine, :model, :run, '', 'open', :ticket, 'anyone', :worker, '', :now)"
)
_FAIL = sa.text(
    "UPDATE runs SET state = 'failed', cost_micros = 0, error_code = :code, error_message = :message,"
    " completed_at = :now WHERE run_id = :run"
)
_RELEASE = (
    sa.text(
        "UPDATE ledger_balances SET balance_micros = balance_micros + :held WHERE workspace_id = :workspace"
    ),
    sa.text(
        "INSERT INTO ledger_entries (entry_id, workspace_id, kind, amount_micros, run_id, phase, created_at)"
        " VALUES (:entry, :workspace, 'release', :held, :run, 'close', :now)"
    ),
    sa.text(
        "UPDATE api_keys SET spent_micros = spent_micros - :held"
        " WHERE key_id = :key AND spending_cap_micros IS NOT NULL"
    ),
)


def upgrade() -> None:
    """Apply."""
    connection = op.get_bind()
    facts, now_ms = context.config.attributes["facts"], context.config.attributes["now_ms"]
    if connection.dialect.name == "postgresql":
        # A server of the older version that still admits runs waits here, and then fails on the new tables.
        op.execute("LOCK TABLE runs, workers IN ACCESS EXCLUSIVE MODE")
        op.execute("ALTER INDEX IF EXISTS runs_pkey RENAME TO runs_0002_pkey")
    op.rename_table("runs", "runs_0002")
    _create_runs()
    _copy_runs(connection, facts.engines)
    op.drop_table("runs_0002")
    _index_runs()
    _create_the_rest()
    records = _dbos.Records(connection)
    _decide_unfinished(connection, records, facts, now_ms)
    records.drop()


def _create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=True),
        sa.Column("node_id", sa.Text(), nullable=True),
        sa.Column("run_type", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_version", sa.Text(), nullable=False),
        sa.Column("engine", sa.Text(), nullable=True),
        sa.Column("requires", sa.Text(), server_default="", nullable=False),
        sa.Column("prompt", sa.Text(), nullable=True),
        sa.Column("input", sa.JSON(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("root_run_id", sa.Text(), nullable=False),
        sa.Column("parent_run_id", sa.Text(), nullable=True),
        sa.Column("step_path", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("waits_for", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False),
        sa.Column("worker_id", sa.Text(), nullable=True),
        sa.Column("claim", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("fallback", sa.JSON(), nullable=True),
        sa.Column("held_micros", sa.BigInteger(), nullable=False),
        sa.Column("cost_micros", sa.BigInteger(), nullable=True),
        sa.Column("budget_micros", sa.BigInteger(), nullable=True),
        sa.Column("unallotted_micros", sa.BigInteger(), nullable=True),
        sa.Column("cache_key", sa.Text(), nullable=True),
        sa.Column("cached_from", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("callback_url", sa.Text(), nullable=True),
        sa.Column("estimated_seconds", sa.Integer(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'running', 'completed', 'failed', 'skipped')", name="ck_runs_state"
        ),
        sa.CheckConstraint("run_type IN ('generation', 'action', 'technique')", name="ck_runs_run_type"),
        sa.PrimaryKeyConstraint("run_id"),
    )


def _copy_runs(connection: sa.Connection, engines: Mapping[str, str]) -> None:
    """Copy all runs into the new table, in one statement."""
    columns = [*_COPIED, *_CHANGED, "engine", "seed"]
    expressions = [*_COPIED, *_CHANGED.values()]
    copied: list[sa.ColumnElement[Any]] = [sa.literal_column(expression) for expression in expressions]
    model = sa.column("model_id", sa.Text)
    engine = sa.case(dict(engines), value=model) if engines else sa.null()
    seed: sa.ColumnElement[Any] = sa.literal_column(_SEED[connection.dialect.name])
    rows = sa.select(*copied, engine, seed).select_from(sa.table("runs_0002"))
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        driver.create_function("migrated_seed", 2, _seed, deterministic=True)
    runs = sa.table("runs", *map(sa.column, columns))
    connection.execute(sa.insert(runs).from_select(columns, rows))


def _seed(run_id: str, params: str) -> int:
    seed = json.loads(params).get("seed") if '"seed"' in params else None
    if isinstance(seed, int) and not isinstance(seed, bool) and abs(seed) < 10**18:
        return seed
    return int.from_bytes(hashlib.sha256(run_id.encode()).digest()[:6])


def _index(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=False, sqlite_where=where, postgresql_where=where)


def _index_runs() -> None:
    _index("ix_runs_workspace", "runs", ["workspace_id", "run_id"], "parent_run_id IS NULL")
    _index("ix_runs_project", "runs", ["project_id", "run_id"], "parent_run_id IS NULL")
    _index("ix_runs_durations", "runs", ["subject", "completed_at"], "state = 'completed'")
    ready = "state = 'pending' AND waits_for = 0 AND due_at IS NULL"
    _index("ix_runs_ready", "runs", ["engine", "run_id"], ready)
    _index("ix_runs_postponed", "runs", ["due_at"], "state = 'pending' AND due_at IS NOT NULL")
    _index("ix_runs_running", "runs", ["worker_id"], "state = 'running'")


def _create_the_rest() -> None:
    op.create_table(
        "run_progress",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("worker_id", sa.Text(), nullable=False),
        sa.Column("claim", sa.Integer(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("preview", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_index("ix_run_progress_age", "run_progress", ["updated_at"], unique=False)
    op.drop_table("workers")
    op.create_table(
        "workers",
        sa.Column("worker_id", sa.Text(), nullable=False),
        sa.Column("machine", sa.Text(), nullable=False),
        sa.Column("engines", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("worker_id"),
    )
    op.create_table(
        "submissions",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=True),
        sa.Column("followers", sa.Text(), nullable=False),
        sa.Column("worker_id", sa.Text(), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("marked_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('marked', 'void', 'refused', 'open', 'over', 'cancelled', 'unknown')",
            name="ck_submissions_state",
        ),
        sa.PrimaryKeyConstraint("run_id", "number"),
    )
    _index("ix_submissions_open", "submissions", ["run_id"], "state IN ('marked', 'open')")
    op.create_index("ix_submissions_age", "submissions", ["marked_at"])


def _decide_unfinished(connection: sa.Connection, records: _dbos.Records, facts: Any, now_ms: int) -> None:
    """Continue, requeue or fail every run that cannot simply wait in the queue."""
    kept = requeued = failed = 0
    for run in _undecided(connection):
        steps = records.steps(run.run_id) if run.state == "running" else None
        if steps is not None:
            decision = _dbos.follow(run.subject, steps, facts.engines, facts.fallback, facts.repeatable)
        elif run.engine is None:
            message = f"The model {run.subject} cannot be used on this server now; see GET /models."
            decision = _dbos.Failure("GENERATION_ENDPOINT_NOT_FOUND", message)
        else:
            connection.execute(_REQUEUE, {"run": run.run_id})
            requeued += 1
            continue
        if isinstance(decision, _dbos.Failure):
            _fail(connection, run, decision, now_ms)
            failed += 1
        else:
            _keep(connection, run, decision, now_ms)
            kept += 1
    if kept or requeued or failed:
        message = "of the runs that were under way %d go on, %d begin anew and %d fail with nothing charged"
        _log.warning(message, kept, requeued, failed)


def _undecided(connection: sa.Connection) -> Iterator[sa.Row[Any]]:
    after = ""
    while chunk := connection.execute(_UNDECIDED, {"after": after, "count": _CHUNK}).all():
        yield from chunk
        after = chunk[-1].run_id


def _keep(connection: sa.Connection, run: sa.Row[Any], submission: _dbos.Submission, now_ms: int) -> None:
    values = {
        "run": run.run_id,
        "engine": submission.engine,
        "model": submission.model,
        "ticket": submission.ticket,
        "fallback": submission.fallback,
        "worker": run.worker_id or "",
        "now": now_ms,
    }
    connection.execute(_KEEP, values)
    connection.execute(_SUBMISSION, values)


def _fail(connection: sa.Connection, run: sa.Row[Any], failure: _dbos.Failure, now_ms: int) -> None:
    """End a run, and release its hold: to the balance and to the spending cap of its key."""
    values = {
        "run": run.run_id,
        "workspace": run.workspace_id,
        "key": run.actor.removeprefix("key:"),
        "held": run.held_micros,
        "code": failure.code,
        "message": failure.message,
        "entry": ids.mint("led", now_ms=now_ms),
        "now": now_ms,
    }
    for statement in (_FAIL, *_RELEASE):
        connection.execute(statement, values)
