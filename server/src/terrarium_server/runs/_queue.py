"""The queue: workspaces take turns at each engine, and a worker claims the runs whose turn it is.

A row of `turns` says that a workspace has ready runs for an engine, and when it was last served. Every
transaction that makes a run ready calls `wake`, after its other writes. A ready run whose workspace has no
waiting turn would never be claimed.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import islice, zip_longest
from types import MappingProxyType
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from terrarium_server.store import Transaction

from ._reads import COLUMNS, Run
from ._tables import POSTPONED, READY, RUNNING, WAITING, engines, runs, turns

# No worker publishes capabilities yet, so a run that requires any stays in the queue.
CLAIMABLE = sa.and_(READY, runs.c.requires == "")
OF_TURN = sa.and_(runs.c.engine == turns.c.engine, runs.c.workspace_id == turns.c.workspace_id)
IN_TURN = (turns.c.last_served, turns.c.since, turns.c.workspace_id)
# The order is that of the index. Without it, and also with EXISTS, PostgreSQL may choose to look for the run
# in the whole table.
A_READY_RUN = (
    sa.select(runs.c.run_id)
    .where(CLAIMABLE, OF_TURN)
    .order_by(runs.c.rank, runs.c.run_id)
    .limit(1)
    .correlate(turns)
    .scalar_subquery()
)
_FIRST_ENGINE = sa.select(sa.func.min(runs.c.engine).label("engine")).where(READY)
_waited_for = _FIRST_ENGINE.cte("waited_for", recursive=True)
_waited_for = _waited_for.union_all(
    sa.select(_FIRST_ENGINE.where(runs.c.engine > _waited_for.c.engine).scalar_subquery()).where(
        _waited_for.c.engine.is_not(None)
    )
)
_ENGINES_WAITED_FOR = sa.select(_waited_for.c.engine).where(_waited_for.c.engine.is_not(None))
# Those that are about to return to their engine count too, so that new runs do not overtake them.
_USING_COUNT = (
    sa.select(sa.func.count())
    .select_from(runs)
    .where(RUNNING, runs.c.engine == sa.bindparam("engine"), runs.c.off_engine.is_distinct_from("fetching"))
)


def _wake_statement(dialect: Any) -> Any:
    """Return the upsert of a turn, which writes only if the turn does not wait yet.

    It locks the row in any case. Without that, a claim that sees no ready run could end the turn's waiting
    although the run that calls `wake` is about to be committed.
    """
    names = ("engine", "workspace_id", "last_served", "since", "waiting")
    statement = dialect(turns).values({name: sa.bindparam(f"turn_{name}") for name in names})
    return statement.on_conflict_do_update(
        index_elements=["engine", "workspace_id"],
        set_={"waiting": 1, "since": statement.excluded.since},
        where=turns.c.waiting == 0,
    )


def _lock_statement(dialect: Any) -> sa.Executable:
    """Return the upsert that takes a block of an engine's numbers, which locks its row."""
    many = sa.bindparam("many", type_=sa.BigInteger)
    statement = dialect(engines).values(engine=sa.bindparam("name", type_=sa.Text), served=many)
    return statement.on_conflict_do_update(
        index_elements=["engine"], set_={"served": engines.c.served + many}
    ).returning(engines.c.served - many)


_LOCK_ENGINE = {"sqlite": _lock_statement(sqlite.insert), "postgresql": _lock_statement(postgresql.insert)}
_WAKE = {"sqlite": _wake_statement(sqlite.insert), "postgresql": _wake_statement(postgresql.insert)}
# The same as a part of a statement of PostgreSQL.
WAKE_AT_ONCE = _wake_statement(postgresql.insert).returning(turns.c.engine)
OF_NAMES = sa.and_(
    turns.c.engine == sa.bindparam("of_engine"), turns.c.workspace_id == sa.bindparam("of_workspace")
)
_SERVE = sa.update(turns).where(OF_NAMES).values(last_served=sa.bindparam("served"))
END_WAITING = sa.update(turns).where(OF_NAMES, A_READY_RUN.is_(None)).values(waiting=0)
# A common table expression is evaluated once. PostgreSQL may evaluate a plain subquery several times, and
# each evaluation would skip the rows that are locked.
# It is nested because Python's sqlite3 begins no transaction for a statement that starts with WITH.
_unlocked = (
    sa.select(runs.c.run_id)
    .where(runs.c.run_id.in_(sa.bindparam("run_ids", expanding=True)), CLAIMABLE)
    .with_for_update(key_share=True, skip_locked=True)
    .cte("unlocked", nesting=True)
)
_CLAIM = (
    sa.update(runs)
    .where(runs.c.run_id.in_(sa.select(_unlocked.c.run_id)), runs.c.state == "pending")
    .values(
        state="running",
        worker_id=sa.bindparam("worker"),
        started_at=sa.bindparam("now"),
        claim=runs.c.claim + 1,
        off_engine=None,
    )
    .returning(*COLUMNS)
)


def first_runs(dialect: str, line: sa.FromClause, most: sa.ColumnElement[int]) -> sa.Join:
    """Return the join of turns, or of a part of them, with the first ready runs of each, at most so many."""
    of_line = sa.and_(runs.c.engine == line.c.engine, runs.c.workspace_id == line.c.workspace_id)
    first = (
        sa.select(runs.c.run_id, runs.c.rank)
        .where(CLAIMABLE, of_line)
        .order_by(runs.c.rank, runs.c.run_id)
        .limit(most)
        .correlate(line)
    )
    if dialect == "postgresql":
        return line.join(first.lateral("head"), sa.true())
    # SQLite has no LATERAL. PostgreSQL would evaluate this form for every row of the table.
    head = runs.alias("head")
    return line.join(head, head.c.run_id.in_(first.with_only_columns(runs.c.run_id)))


def _candidates_statement(dialect: str) -> sa.Select[Any, Any]:
    """Return the statement that reads the runs that are next at an engine, each with its workspace.

    It takes ``most`` workspaces in turn, and of each a fair share and a little more.
    """
    line = (
        sa.select(turns.c.engine, *IN_TURN)
        .where(WAITING, turns.c.engine == sa.bindparam("engine"), A_READY_RUN.is_not(None))
        .order_by(*IN_TURN)
        .limit(sa.bindparam("most"))
        .cte("line")
    )
    waiting = sa.select(sa.func.count()).select_from(line).scalar_subquery()
    more_than_share = sa.bindparam("most", type_=sa.Integer) // waiting + 2
    joined = first_runs(dialect, line, more_than_share)
    head = joined.right.c
    in_turn = (line.c.last_served, line.c.since, line.c.workspace_id)
    return (
        sa.select(line.c.workspace_id, head.run_id)
        .select_from(joined)
        .order_by(*in_turn, head.rank, head.run_id)
    )


_CANDIDATES = {dialect: _candidates_statement(dialect) for dialect in ("sqlite", "postgresql")}


class _Candidate(NamedTuple):
    """A ready run, as its place in the queue names it."""

    engine: str
    workspace_id: str
    run_id: str

    @property
    def turn(self) -> tuple[str, str]:
        """Which turn claims it."""
        return self.engine, self.workspace_id


def wake(tx: Transaction, pairs: Iterable[tuple[str, str]]) -> None:
    """Note that these workspaces have ready runs for these engines, as pairs of (engine, workspace_id).

    Call it after all other writes of the transaction, before its events are recorded. After the commit the
    workers of these engines hear of it.
    """
    # Sorted, because the rows are locked in this order everywhere.
    ordered = sorted(set(pairs))
    if not ordered:
        return
    tx.execute(_WAKE[tx.dialect], [wake_values(tx, *pair) for pair in ordered])
    for engine, _ in ordered:
        tx.publish("ready", engine)


def wake_values(tx: Transaction, engine: str, workspace_id: str) -> dict[str, Any]:
    """Return what `WAKE_AT_ONCE` binds; whoever executes that publishes ("ready", engine) too."""
    return {
        "turn_engine": engine,
        "turn_workspace_id": workspace_id,
        "turn_last_served": 0,
        "turn_since": tx.now_ms,
        "turn_waiting": 1,
    }


def claim(
    tx: Transaction,
    worker_id: str,
    count: int,
    capacity: Mapping[str, int],
    limits: Mapping[str, int] = MappingProxyType({}),
) -> list[Run]:
    """Move at most ``count`` ready runs to running, for this worker alone, in the order of their turns.

    ``capacity`` says how many runs each engine can take from this worker, in the order in which the engines
    take turns; runs of other engines stay in the queue. ``limits`` says how many runs of an engine may be
    running over all workers. A claim may leave runs that could be claimed, but never all of them.
    """
    waited_for = engines_waited_for(tx)
    # Without locks first, so that only engines with work and free capacity are locked.
    free = _free(tx, {engine: most for engine, most in capacity.items() if engine in waited_for}, limits)
    if count <= 0 or not free:
        return []
    served = {engine: lock_engine(tx, engine, many=count) for engine in sorted(free)}
    # Counted again, in a statement that sees the claims of those who had the locks before.
    free = _free(tx, free, limits)
    offered: list[list[_Candidate]] = []
    for engine, most in free.items():
        if len(offered) < count and (candidates := _candidates(tx, engine, min(most, count))):
            offered.append(candidates)
    allowed = (candidates[: free[candidates[0].engine]] for candidates in offered)
    chosen = list(islice(_interleaved(allowed), count))
    if not chosen:
        return []
    values = {"worker": worker_id, "now": tx.now_ms, "run_ids": [one.run_id for one in chosen]}
    claimed = {row.run_id: Run(*row) for row in tx.execute(_CLAIM, values)}
    taken = [candidate for candidate in chosen if candidate.run_id in claimed]
    still_waiting = {one.turn for candidates in offered for one in candidates if one.run_id not in claimed}
    _serve(tx, taken, served, still_waiting)
    return [claimed[candidate.run_id] for candidate in taken]


def engines_waited_for(tx: Transaction) -> set[str]:
    """Return the engines that ready runs wait for; one look-up for each, however many runs wait."""
    return set(tx.execute(_ENGINES_WAITED_FOR).scalars())


def waiting_by_engine(tx: Transaction) -> dict[str, int]:
    """Return how many runs are ready, postponed or running, by the name of their engine.

    It counts every one of them, so it is for the start of a process.
    """
    # One query for each condition, because each has an index of its own.
    parts = (sa.select(runs.c.engine).where(condition) for condition in (READY, POSTPONED, RUNNING))
    waiting = sa.union_all(*parts).subquery()
    statement = sa.select(waiting.c.engine, sa.func.count()).where(waiting.c.engine.is_not(None))
    return {engine: count for engine, count in map(tuple, tx.execute(statement.group_by(waiting.c.engine)))}


def pending_of(tx: Transaction, engine: str, *, limit: int) -> list[Run]:
    """Return ready runs that wait for an engine."""
    statement = sa.select(*COLUMNS).where(READY, runs.c.engine == engine)
    in_order = (runs.c.workspace_id, runs.c.rank, runs.c.run_id)
    return [Run(*row) for row in tx.execute(statement.order_by(*in_order).limit(limit))]


def _free(tx: Transaction, capacity: Mapping[str, int], limits: Mapping[str, int]) -> dict[str, int]:
    """Return how many runs each engine can take now; full engines are left out."""
    free = {
        engine: min(most, limits[engine] - _using(tx, engine)) if engine in limits else most
        for engine, most in capacity.items()
    }
    return {engine: most for engine, most in free.items() if most > 0}


def _using(tx: Transaction, engine: str) -> int:
    return tx.execute(_USING_COUNT, {"engine": engine}).scalar_one()


def lock_engine(tx: Transaction, name: str, *, many: int = 0) -> int:
    """Lock the row of an engine and take so ``many`` numbers of turns; return the last one before them.

    On SQLite this is the first write of a transaction, which locks the file.
    """
    return tx.execute(_LOCK_ENGINE[tx.dialect], {"name": name, "many": many}).scalar_one()


def _candidates(tx: Transaction, engine: str, most: int) -> list[_Candidate]:
    """Return the runs that are next at an engine, in turn: as many as ``most`` if so many workspaces wait.

    Of each workspace there is one run more than its share, if it has one: if that is not claimed, the
    workspace is known to wait still.
    """
    queues: dict[str, list[_Candidate]] = {}
    values = {"engine": engine, "most": most}
    for workspace_id, run_id in map(tuple, tx.execute(_CANDIDATES[tx.dialect], values)):
        queues.setdefault(workspace_id, []).append(_Candidate(engine, workspace_id, run_id))
    return list(_interleaved(queues.values()))


def _interleaved(queues: Iterable[Sequence[_Candidate]]) -> Iterator[_Candidate]:
    """The first of each queue, then the second of each, and so on."""
    for round in zip_longest(*queues):
        yield from (candidate for candidate in round if candidate is not None)


def _serve(
    tx: Transaction,
    taken: Sequence[_Candidate],
    served: Mapping[str, int],
    still_waiting: Container[tuple[str, str]],
) -> None:
    """Put the workspaces whose runs were taken to the end of the line, and out of it if they have none left.

    The turns are locked in order. Whoever holds one of them waits for nothing that this transaction has.
    """
    if not taken:
        return
    now = dict(served)
    last_served: dict[tuple[str, str], int] = {}
    for candidate in taken:
        now[candidate.engine] += 1
        last_served[candidate.turn] = now[candidate.engine]
    turns_served = [
        {"of_engine": engine, "of_workspace": workspace_id, "served": number}
        for (engine, workspace_id), number in sorted(last_served.items())
    ]
    tx.execute(_SERVE, turns_served)
    # In a statement of its own, that sees what was committed before the turns were locked. Runs that are
    # committed later find their turn not waiting.
    drained = [one for one in sorted(last_served) if one not in still_waiting]
    if drained:
        tx.execute(END_WAITING, [{"of_engine": engine, "of_workspace": one} for engine, one in drained])
