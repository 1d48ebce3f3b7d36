"""Every query of runs uses the index made for it, however many other runs there are."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from support.records import pending_run, queue
from terrarium_server import runs
from terrarium_server.runs import COLUMNS, RunOutcome
from terrarium_server.store import Database, Transaction

OUTCOME = RunOutcome("SERVER_ERROR", "why")
RUN = pending_run("run_2000", worker_id="wrk_1", claim=1)
LATE = pending_run("run_9", workspace_id="ws_7", rank=1)
OVER = 3000
UNFINISHED = 60
OTHERS = 600
# Indexes of few runs, which may be read from one end to the other.
SMALL = {
    "ix_runs_ready",
    "ix_runs_postponed",
    "ix_runs_running",
    "ix_runs_running_by_engine",
    "ix_turns_waiting",
}


def postpone_one(tx: Transaction) -> None:
    runs.postpone(tx, RUN, 1)


def abandoned(tx: Transaction) -> None:
    """The query by which a worker finds runs that others left."""
    worker = runs.runs.c.worker_id
    has_none = sa.or_(worker.is_(None), worker.not_in(["wrk_1", "wrk_2"]))
    tx.execute(sa.select(*COLUMNS).where(runs.RUNNING, runs.runs.c.engine.in_(["rehearsal"]), has_none))


# Queries, with the indexes by which they may read the table of runs.
QUERIES: dict[str, tuple[Callable[[Transaction], object], set[str]]] = {
    "claim": (
        lambda tx: runs.claim(tx, "wrk_1", 3, {"rehearsal": 2, "acme": 3}, {"rehearsal": 500}),
        {"ix_runs_ready", "ix_runs_running_by_engine", "key", "ix_turns_waiting", "key of turns"},
    ),
    "requeue": (lambda tx: runs.requeue(tx, RUN), {"key"}),
    "leave_engine": (lambda tx: runs.leave_engine(tx, RUN), {"key"}),
    "return_to_engine": (
        lambda tx: runs.return_to_engine(tx, RUN, 2),
        {"ix_runs_running_by_engine", "key"},
    ),
    "queue_position": (
        lambda tx: runs.queue_position(tx, LATE),
        {"ix_runs_ready", "key", "ix_turns_waiting", "key of turns"},
    ),
    "running_count": (lambda tx: runs.running_count(tx, "rehearsal"), {"ix_runs_running_by_engine"}),
    "find_overlooked": (runs.find_overlooked, {"ix_runs_ready"}),
    "end_idle_turns": (runs.end_idle_turns, {"ix_runs_ready", "ix_turns_waiting"}),
    "pending_of": (lambda tx: runs.pending_of(tx, "rehearsal", limit=5), {"ix_runs_ready"}),
    "engines_waited_for": (runs.engines_waited_for, {"ix_runs_ready"}),
    "waiting_by_engine": (
        runs.waiting_by_engine,
        {"ix_runs_ready", "ix_runs_postponed"},
    ),
    "milliseconds_to_next_due": (runs.milliseconds_to_next_due, {"ix_runs_postponed"}),
    "wake_postponed": (runs.wake_postponed, {"ix_runs_postponed", "key"}),
    "held_by": (lambda tx: runs.held_by(tx, "wrk_1"), set()),
    "abandoned": (abandoned, set()),
    "take_over": (lambda tx: runs.take_over(tx, RUN, "wrk_3", sa.true(), died=True), {"key"}),
    "requeue_abandoned": (lambda tx: runs.requeue_abandoned(tx, RUN, sa.true(), died=True), {"key"}),
    "postpone": (postpone_one, {"key"}),
    "complete": (lambda tx: runs.complete(tx, RUN, 1), {"key"}),
    "cancel": (lambda tx: runs.cancel(tx, RUN.run_id, OUTCOME), {"key"}),
    "give_up": (lambda tx: runs.give_up(tx, RUN.run_id, OUTCOME), {"key"}),
    "is_held": (lambda tx: runs.is_held(tx, RUN), {"key"}),
    "write_progress": (
        lambda tx: runs.write_progress(tx, "wrk_1", [runs.RunProgress(RUN.run_id, RUN.run_id, 1, 50, None)]),
        {"key"},
    ),
    "read_run": (lambda tx: runs.read_run(tx, RUN.run_id), {"key"}),
    "a workspace's": (lambda tx: runs.list_runs(tx, "ws_1", limit=5), {"ix_runs_workspace", "key"}),
    "older ones": (
        lambda tx: runs.list_runs(tx, "ws_1", limit=5, before=RUN.run_id),
        {"ix_runs_workspace", "key"},
    ),
    "failed ones": (
        lambda tx: runs.list_runs(tx, "ws_1", limit=5, state="failed"),
        {"ix_runs_workspace", "key"},
    ),
    "a project's": (
        lambda tx: runs.list_runs(tx, "ws_1", limit=5, project_id="prj_1", before=RUN.run_id),
        {"ix_runs_project", "key"},
    ),
    "a project's running ones": (
        lambda tx: runs.list_runs(tx, "ws_1", limit=5, project_id="prj_1", state="running"),
        {"ix_runs_project", "key"},
    ),
    "recent_durations": (lambda tx: runs.recent_durations(tx, "t2t-rehearsal", 20), {"ix_runs_durations"}),
    "forget_progress": (lambda tx: runs.forget_progress(tx, older_than_ms=1, limit=5), {"key"}),
}

# Other indexes by which a database may choose to read: they hold as few rows.
ALSO = {
    "held_by": {"ix_runs_running", "ix_runs_running_by_engine"},
    "abandoned": {"ix_runs_running", "ix_runs_running_by_engine"},
    "waiting_by_engine": {"ix_runs_running", "ix_runs_running_by_engine"},
    "find_overlooked": {"ix_turns_waiting", "key of turns"},
}


def fill(database: Database) -> None:
    """Record many runs that are over, in many projects, and a few in every other state.

    Many workspaces have waited, and some wait.
    """
    with database.transaction() as tx:
        for number in range(OVER + UNFINISHED):
            place = {"project_id": f"prj_{number % 200}", "workspace_id": f"ws_{number % 20}"}
            queue(tx, pending_run(f"run_{number}", subject=f"t2t-{number % 20}", **place))
        table = runs.runs
        tx.execute(
            sa.update(table).values(state="completed", worker_id="wrk_1", completed_at=2, started_at=1)
        )
        unfinished = [f"run_{OVER + number}" for number in range(UNFINISHED)]
        for number, state in enumerate(
            (
                {"state": "pending", "worker_id": None},
                {"state": "pending", "worker_id": None, "due_at": 1},
                {"state": "running"},
            )
        ):
            tx.execute(sa.update(table).where(table.c.run_id.in_(unfinished[number::3])).values(**state))
        waited = [("rehearsal", f"ws_{number}") for number in range(20, OTHERS)]
        runs.wake(tx, waited)
        turns = runs.turns
        tx.execute(
            sa.update(turns).where(turns.c.workspace_id.in_([name for _, name in waited])).values(waiting=0)
        )
        if not database.is_sqlite:
            # As autovacuum does in production; SQLite has no such process.
            tx.execute(sa.text("ANALYZE"))


@contextmanager
def recorded_statements(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """Record the statements that are sent, with their parameters."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        sent.append((statement, parameters[0] if isinstance(parameters, list) else parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    yield sent
    event.remove(database.engine, "before_cursor_execute", note)


def indexes_used(database: Database, statement: str, parameters: Any) -> set[str]:
    """Return the indexes by which a statement reads runs and turns.

    The primary keys are "key" and "key of turns"; "scan" means none.
    """
    with database.engine.connect() as connection:
        if database.is_sqlite:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps = [step[-1].split() for step in plan]
            return {
                index_name(
                    step[step.index("INDEX") + 1] if "INDEX" in step else None, is_whole=step[0] == "SCAN"
                )
                for step in steps
                if step[1:2] in (["runs"], ["head"], ["turns"])
            }
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plan = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar_one()
        return set(indexes_in_plan(plan[0]["Plan"]))


def indexes_in_plan(node: dict[str, Any]) -> Iterator[str]:
    """Return the same for a plan of PostgreSQL."""
    index = node.get("Index Name")
    if (index or "").startswith(("ix_runs_", "runs_", "ix_turns_", "turns_")):
        yield index_name(index, is_whole="Index Cond" not in node)
    elif node.get("Relation Name") in ("runs", "turns") and node["Node Type"] == "Seq Scan":
        yield "scan"
    for child in node.get("Plans", ()):
        yield from indexes_in_plan(child)


def index_name(index: str | None, *, is_whole: bool) -> str:
    if index is None or (is_whole and index not in SMALL):
        return "scan"
    if index.startswith("ix_"):
        return index
    return "key of turns" if "turns" in index else "key"


def test_every_query_uses_the_index_that_was_made_for_it(database: Database) -> None:
    fill(database)
    for name, (query, expected) in QUERIES.items():
        with recorded_statements(database) as sent, database.transaction() as tx:
            query(tx)
        assert sent, name
        used = {index for statement in sent for index in indexes_used(database, *statement)}
        assert expected - {"key"} <= used <= expected | {"key"} | ALSO.get(name, set()), (name, sent)
