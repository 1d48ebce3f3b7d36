"""What must hold for a graph of runs at any moment: its credits, its order, its turns, and its events."""

from collections import Counter
from itertools import pairwise

import sqlalchemy as sa

from terrarium_server import events, ledger, runs
from terrarium_server.runs import Run
from terrarium_server.store import Transaction

_ENDS = {"run.completed", "run.failed", "run.skipped"}
_TURNS = sa.text("SELECT engine, workspace_id FROM turns WHERE waiting = 1")


def check_graph(tx: Transaction, root_run_id: str) -> Run:
    """Check the records of a graph against each other; return its root."""
    root = runs.read_run(tx, root_run_id)
    members = {run.run_id: run for run in runs.read_members(tx, root_run_id)}
    _check_credits(tx, root, members)
    _check_order(tx, root, members)
    _check_queue(tx, members)
    return root


def _check_credits(tx: Transaction, root: Run, members: dict[str, Run]) -> None:
    allotted = sum((run.cost_micros if run.is_over else run.budget_micros) or 0 for run in members.values())
    assert allotted + (root.unallotted_micros or 0) == root.held_micros
    assert all(run.held_micros == 0 for run in members.values())
    cost = sum(run.cost_micros or 0 for run in members.values())
    # Each a run, a phase, an amount, and the cost of the run.
    expected: list[tuple[str, str, int, int | None]] = [(root.run_id, "open", -root.held_micros, None)]
    if root.is_over:
        assert root.cost_micros == cost
        expected.append((root.run_id, "close", root.held_micros - cost, None))
    for run in members.values():
        if run.is_over:
            assert run.cost_micros == (run.budget_micros if run.state == "completed" else 0)
            expected.append((run.run_id, "close", 0, run.cost_micros))
    of_entries = ledger.entries.c
    fields = (of_entries.run_id, of_entries.phase, of_entries.amount_micros, of_entries.cost_micros)
    of_graph = of_entries.run_id.in_([root.run_id, *members])
    found = [tuple(row) for row in tx.execute(sa.select(*fields).where(of_graph))]
    assert sorted(found, key=repr) == sorted(expected, key=repr)


def _check_order(tx: Transaction, root: Run, members: dict[str, Run]) -> None:
    unfinished = {run_id for run_id, run in members.items() if not run.is_over}
    assert root.waits_for == len(unfinished)
    assert root.state in ("completed", "failed") if not unfinished else root.state == "running"
    waits_for = Counter({run_id: run.is_gated for run_id, run in members.items()})
    for edge in runs.read_edges(tx, root.run_id):
        before, run = members[edge.from_run_id], members[edge.to_run_id]
        waits_for[run.run_id] += not before.is_over
        if run.state in ("running", "completed"):
            assert before.state == "completed" or (before.is_over and edge.on_failure == "continue")
    assert {run_id: members[run_id].waits_for for run_id in unfinished} == {
        run_id: waits_for[run_id] for run_id in unfinished
    }
    if root.max_parallel is not None:
        through = [run_id for run_id in unfinished if not members[run_id].is_gated]
        assert len(through) <= root.max_parallel


def _check_queue(tx: Transaction, members: dict[str, Run]) -> None:
    """A run that is ready can be claimed: the turn of its workspace waits."""
    waiting = set(map(tuple, tx.execute(_TURNS)))
    for run in members.values():
        if run.state == "pending" and run.waits_for == 0 and run.due_at is None:
            assert (run.engine, run.workspace_id) in waiting


def check_events(tx: Transaction, stream: str) -> None:
    """Check that the stream of a project has no gaps and tells of each change of its runs once.

    Each run is created once and, if it is over, ends once. A root ends after all others of its graph.
    """
    of_events, of_runs = events.events.c, runs.runs.c
    statement = sa.select(of_events.number, of_events.run_id, of_events.root_run_id, of_events.type)
    rows = tx.execute(statement.where(of_events.stream == stream).order_by(of_events.number)).all()
    assert [row.number for row in rows] == [*range(1, len(rows) + 1)]
    told: dict[str, list[str]] = {}
    # The run of the last event of each graph.
    last: dict[str, str] = {}
    for _, run_id, root_run_id, type in map(tuple, rows):
        told.setdefault(run_id, []).append(type)
        last[root_run_id] = run_id
    states = sa.select(of_runs.run_id, of_runs.state).where(of_runs.project_id == stream)
    recorded = {run_id: state for run_id, state in map(tuple, tx.execute(states))}
    assert told.keys() == recorded.keys()
    for run_id, (first, *changes) in told.items():
        assert first == "run.created" and first not in changes
        assert all(change != following for change, following in pairwise(changes))
        ends = [change for change in changes if change in _ENDS]
        if recorded[run_id] in ("pending", "running"):
            assert ends == []
        else:
            assert ends == changes[-1:] == [f"run.{recorded[run_id]}"]
            assert last.get(run_id, run_id) == run_id
