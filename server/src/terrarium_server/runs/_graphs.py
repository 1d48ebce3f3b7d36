"""Graphs of runs: a root that holds the credits of all, its members, and the edges between them.

Whoever ends a member locks the root first, so that the ends of one graph happen one after another and no
successor misses the end of its last predecessor. `waits_for` of a member counts its predecessors that have
not ended, and one more while it is gated; that of a root counts the members that have not ended.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from terrarium_server.store import Transaction

from ._reads import COLUMNS, Run, RunOutcome
from ._tables import MEMBER, OnFailure, RunState, run_edges, run_progress, runs

_UNFINISHED = runs.c.state.in_(("pending", "running"))
_MEMBERS = (runs.c.root_run_id == sa.bindparam("root"), MEMBER)
_LOCK_ROOT = sa.select(*COLUMNS).where(runs.c.run_id == sa.bindparam("root")).with_for_update()
_REST = sa.select(*COLUMNS).where(*_MEMBERS, _UNFINISHED).order_by(runs.c.run_id).with_for_update()
_OUT = sa.select(run_edges.c.to_run_id, run_edges.c.on_failure).where(
    run_edges.c.from_run_id.in_(sa.bindparam("runs", expanding=True))
)
_WAITING = (
    sa.select(*COLUMNS)
    .where(runs.c.run_id.in_(sa.bindparam("runs", expanding=True)), runs.c.state == "pending")
    .order_by(runs.c.run_id)
    .with_for_update()
)
_COUNT_DOWN = (
    sa.update(runs)
    .where(runs.c.run_id == sa.bindparam("run"))
    .values(waits_for=runs.c.waits_for - sa.bindparam("count"))
)
_PARALLEL = sa.select(sa.func.count()).select_from(runs).where(*_MEMBERS, _UNFINISHED, runs.c.is_gated == 0)
_GATED = (
    sa.select(*COLUMNS)
    .where(*_MEMBERS, runs.c.state == "pending", runs.c.is_gated == 1, runs.c.waits_for == 1)
    .order_by(runs.c.run_id)
    .limit(sa.bindparam("count"))
    .with_for_update()
)
_UNGATE = (
    sa.update(runs)
    .where(runs.c.run_id.in_(sa.bindparam("runs", expanding=True)))
    .values(is_gated=0, waits_for=0)
)
_END = (
    sa.update(runs)
    .where(runs.c.run_id == sa.bindparam("run"))
    .values(
        state=sa.bindparam("ended_state"),
        cost_micros=0,
        error_code=sa.bindparam("code"),
        error_message=sa.bindparam("message"),
        completed_at=sa.bindparam("now"),
    )
)
_MEMBERS_ENDED = (
    sa.update(runs)
    .where(runs.c.run_id == sa.bindparam("root"))
    .values(
        waits_for=runs.c.waits_for - sa.bindparam("count"),
        unallotted_micros=runs.c.unallotted_micros + sa.bindparam("returned"),
    )
    .returning(runs.c.waits_for)
)
_TOTALS = sa.select(
    sa.func.coalesce(sa.func.sum(runs.c.cost_micros), 0),
    sa.func.min(runs.c.started_at),
    sa.func.coalesce(sa.func.sum(sa.case((runs.c.state == "completed", 1), else_=0)), 0),
    sa.func.count(),
).where(*_MEMBERS)
_FIRST_FAILURE = (
    sa.select(runs.c.error_code, runs.c.error_message)
    .where(*_MEMBERS, runs.c.state == "failed")
    .order_by(runs.c.run_id)
    .limit(1)
)
_CLOSE = (
    sa.update(runs)
    .where(runs.c.run_id == sa.bindparam("root"))
    .values(
        state=sa.bindparam("ended_state"),
        cost_micros=sa.bindparam("cost"),
        error_code=sa.bindparam("code"),
        error_message=sa.bindparam("message"),
        started_at=sa.bindparam("began"),
        completed_at=sa.bindparam("now"),
    )
)
_STEP = (
    runs.c.run_id,
    runs.c.step_path,
    runs.c.state,
    runs.c.type,
    runs.c.subject,
    runs.c.requested_model,
    runs.c.budget_micros,
    runs.c.cost_micros,
    runs.c.estimated_seconds,
    runs.c.started_at,
    runs.c.error_code,
    runs.c.error_message,
    run_progress.c.percent,
)
_STEPS = (
    sa.select(*_STEP)
    .select_from(runs.outerjoin(run_progress, run_progress.c.run_id == runs.c.run_id))
    .where(*_MEMBERS)
    .order_by(runs.c.run_id)
)
_EDGES = (
    sa.select(*run_edges.c)
    .join(runs, runs.c.run_id == run_edges.c.to_run_id)
    .where(*_MEMBERS)
    .order_by(run_edges.c.to_run_id, run_edges.c.from_run_id, run_edges.c.slot)
)

_SKIPPED = RunOutcome(
    "GENERATION_CANCELLED", "Skipped, because a run that it waited for did not complete; nothing was charged."
)
_GRAPH_FAILED = RunOutcome(
    "GENERATION_CANCELLED", "Stopped, because another run of its graph failed; nothing was charged."
)


@dataclass(frozen=True, slots=True)
class Edge:
    """A run waits for another, whose outputs its parameter ``slot`` takes ("" for none).

    ``on_failure`` says what happens if the other does not complete: ``fail`` the graph, ``skip`` the waiting
    run, or ``continue`` without.
    """

    from_run_id: str
    to_run_id: str
    slot: str
    on_failure: OnFailure


@dataclass(frozen=True, slots=True)
class Step:
    """A member of a graph as its root shows it; money is micro-USD, times UTC milliseconds."""

    run_id: str
    step_path: str | None
    state: RunState
    type: str
    subject: str
    requested_model: str | None
    budget_micros: int | None
    cost_micros: int | None
    estimated_seconds: int | None
    started_at: int | None
    error_code: str | None
    error_message: str | None
    percent: int | None

    @property
    def progress(self) -> int:
        """Its progress, 0 to 100."""
        if self.state in ("completed", "failed", "skipped"):
            return 100
        return self.percent or 0 if self.state == "running" else 0


@dataclass(frozen=True, slots=True)
class Ended:
    """A member that ended, its state now and what it cost; ``outcome`` says how it failed."""

    run: Run
    state: RunState
    cost_micros: int
    outcome: RunOutcome | None


@dataclass(frozen=True, slots=True)
class Follows:
    """What follows the end of a member: the other members that ended with it, those that are ready now, how
    the graph failed by it, and whether all members have ended.
    """

    ended: tuple[Ended, ...]
    ready: tuple[Run, ...]
    failure: RunOutcome | None
    is_over: bool


def record_graph(tx: Transaction, root: Run, members: Sequence[Run], edges: Sequence[Edge]) -> None:
    """Write a root, its members and their edges. Those that wait for nothing must be woken (`wake`)."""
    columns = {column.key for column in COLUMNS}
    rows = [
        {name: value for name, value in _fields(run).items() if name in columns} for run in (root, *members)
    ]
    tx.execute(sa.insert(runs), rows)
    if edges:
        tx.execute(sa.insert(run_edges), [asdict(edge) for edge in edges])


def _fields(run: Run) -> dict[str, Any]:
    return {name: getattr(run, name) for name in Run.__dataclass_fields__}


def lock_root(tx: Transaction, run: Run) -> Run | None:
    """Lock the root of a member's graph and return it as it is now; None for a run that is no member.

    It is the first lock of whatever ends a member.
    """
    if run.parent_run_id is None:
        return None
    return lock_graph(tx, run.root_run_id)


def lock_graph(tx: Transaction, root_run_id: str) -> Run:
    """Lock a root and return it as it is now."""
    return Run(*tx.execute(_LOCK_ROOT, {"root": root_run_id}).one())


def follow_end(tx: Transaction, root: Run, ended: Ended) -> Follows:
    """Write what follows the end of a member, which is written already; the root must be locked."""
    reached = _reached(tx, ended)
    if reached is None:
        rest = end_rest(tx, root, pending="skipped", outcome=_GRAPH_FAILED)
        return Follows(rest, (), ended.outcome, count_ended(tx, root, (ended, *rest)))
    skipped, counted = reached
    others = tuple(Ended(run, "skipped", 0, _SKIPPED) for run in skipped.values())
    _end(tx, others)
    ready = _count_down(tx, counted)
    if root.max_parallel is not None:
        ready += _pass_gate(tx, root, root.max_parallel)
    return Follows(others, tuple(ready), None, count_ended(tx, root, (ended, *others)))


def _reached(tx: Transaction, ended: Ended) -> tuple[dict[str, Run], Counter[str]] | None:
    """Return which runs are skipped now and how many edges to others have ended; None if the graph fails."""
    skipped: dict[str, Run] = {}
    counted: Counter[str] = Counter()
    ends, is_completed = {ended.run.run_id}, ended.state == "completed"
    while ends:
        found: set[str] = set()
        for to_run_id, on_failure in map(tuple, tx.execute(_OUT, {"runs": sorted(ends)})):
            if is_completed or on_failure == "continue":
                counted[to_run_id] += 1
            elif on_failure == "skip":
                found.add(to_run_id)
            else:
                return None
        # Not those that ended before: what they lead to was counted then.
        new = {run.run_id: run for run in _waiting(tx, found - skipped.keys())}
        skipped |= new
        ends, is_completed = set(new), False
    return skipped, counted


def _waiting(tx: Transaction, run_ids: Iterable[str]) -> list[Run]:
    """Lock those of these runs that are pending."""
    ids = sorted(run_ids)
    return [Run(*row) for row in tx.execute(_WAITING, {"runs": ids})] if ids else []


def _count_down(tx: Transaction, counted: Counter[str]) -> list[Run]:
    """Subtract ended edges from what runs wait for; return the runs that wait for nothing any more."""
    waiting = _waiting(tx, counted)
    if waiting:
        tx.execute(_COUNT_DOWN, [{"run": run.run_id, "count": counted[run.run_id]} for run in waiting])
    return [run for run in waiting if run.waits_for == counted[run.run_id]]


def _pass_gate(tx: Transaction, root: Run, max_parallel: int) -> list[Run]:
    """Let gated runs that wait for nothing else be ready, as many as the root allows."""
    free = max_parallel - tx.execute(_PARALLEL, {"root": root.run_id}).scalar_one()
    if free <= 0:
        return []
    passed = [Run(*row) for row in tx.execute(_GATED, {"root": root.run_id, "count": free})]
    if passed:
        tx.execute(_UNGATE, {"runs": [run.run_id for run in passed]})
    return passed


def end_rest(tx: Transaction, root: Run, *, pending: RunState, outcome: RunOutcome) -> tuple[Ended, ...]:
    """End all members that have not ended: pending ones in state ``pending``, running ones as failed.

    The root must be locked. Workers that execute running ones stop when they notice.
    """
    rest = tuple(
        Ended(run, pending if run.state == "pending" else "failed", 0, outcome)
        for run in (Run(*row) for row in tx.execute(_REST, {"root": root.run_id}))
    )
    _end(tx, rest)
    return rest


def _end(tx: Transaction, ended: Sequence[Ended]) -> None:
    values = [
        {
            "run": one.run.run_id,
            "ended_state": one.state,
            "code": one.outcome.error_code if one.outcome else None,
            "message": one.outcome.error_message if one.outcome else None,
            "now": tx.now_ms,
        }
        for one in ended
    ]
    if values:
        tx.execute(_END, values)


def count_ended(tx: Transaction, root: Run, ended: Sequence[Ended]) -> bool:
    """Return the ended members' budgets less their costs to the root; whether all members have ended."""
    returned = sum(one.run.quote_micros - one.cost_micros for one in ended)
    values = {"root": root.run_id, "count": len(ended), "returned": returned}
    return tx.execute(_MEMBERS_ENDED, values).scalar_one() == 0


def close_root(tx: Transaction, root: Run, failure: RunOutcome | None) -> Ended:
    """End a root whose members have all ended; it costs what they cost.

    Without a ``failure`` of the graph it is completed if any member is, and otherwise fails as the first one.
    """
    cost, began, completed, members = tuple(tx.execute(_TOTALS, {"root": root.run_id}).one())
    if failure is None and not completed:
        code, message = tuple(tx.execute(_FIRST_FAILURE, {"root": root.run_id}).one())
        failure = RunOutcome(code, f"None of the {members} runs completed. The first one: {message}")
    values = {
        "root": root.run_id,
        "ended_state": "completed" if failure is None else "failed",
        "cost": int(cost),
        "code": failure.error_code if failure else None,
        "message": failure.error_message if failure else None,
        "began": began,
        "now": tx.now_ms,
    }
    tx.execute(_CLOSE, values)
    return Ended(root, "completed" if failure is None else "failed", int(cost), failure)


def read_steps(tx: Transaction, root_run_id: str) -> list[Step]:
    """Return the members of a graph in their order."""
    return [Step(*row) for row in tx.execute(_STEPS, {"root": root_run_id})]


def read_edges(tx: Transaction, root_run_id: str) -> list[Edge]:
    """Return the edges of a graph."""
    return [Edge(*row) for row in tx.execute(_EDGES, {"root": root_run_id})]


def read_members(tx: Transaction, root_run_id: str) -> list[Run]:
    """Return the members of a graph in their order, complete."""
    statement = sa.select(*COLUMNS).where(*_MEMBERS).order_by(runs.c.run_id)
    return [Run(*row) for row in tx.execute(statement, {"root": root_run_id})]


def progress_of(steps: Sequence[Step]) -> int:
    """Return the progress of a graph, 0 to 100: that of its members, weighted by their estimated seconds."""
    weights = [max(1, step.estimated_seconds or 1) for step in steps]
    done = sum(weight * step.progress for weight, step in zip(weights, steps, strict=True))
    return done // sum(weights) if weights else 0


def graph_progress(tx: Transaction, root_run_id: str) -> int:
    """Return the progress of a graph, see `progress_of`."""
    return progress_of(read_steps(tx, root_run_id))
