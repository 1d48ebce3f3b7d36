"""Where a run stands in the queue. Every count is bounded, however many runs wait."""

from typing import Any

import sqlalchemy as sa

from terrarium_server.store import Transaction

from ._queue import CLAIMABLE, IN_TURN, first_runs
from ._reads import Run
from ._tables import RUNNING, WAITING, runs, turns

_FARTHEST = 1000
_BEFORE = sa.tuple_(runs.c.rank, runs.c.run_id) < sa.tuple_(sa.bindparam("rank"), sa.bindparam("run"))
_OWN = (
    CLAIMABLE,
    runs.c.engine == sa.bindparam("engine"),
    runs.c.workspace_id == sa.bindparam("workspace"),
    _BEFORE,
)
_OWN_TURN = sa.select(*IN_TURN).where(
    turns.c.engine == sa.bindparam("engine"), turns.c.workspace_id == sa.bindparam("workspace")
)
_PLACE = sa.tuple_(*(sa.bindparam(f"own_{column.name}", type_=column.type) for column in IN_TURN))


def _count(rows: sa.Select[Any]) -> sa.Select[int]:
    """Return the query that counts rows, at most ``most``."""
    return sa.select(sa.func.count()).select_from(rows.limit(sa.bindparam("most")).subquery())


def _count_others(dialect: str, order: sa.ColumnElement[bool]) -> sa.Select[int]:
    """Return the query that counts the first ``depth`` runs of each workspace on one side in the order."""
    joined = first_runs(dialect, turns, sa.bindparam("depth"))
    of_engine = (WAITING, turns.c.engine == sa.bindparam("engine"), order)
    return _count(sa.select(joined.right.c.run_id).select_from(joined).where(*of_engine))


_COUNT_OWN = _count(sa.select(runs.c.run_id).where(*_OWN).order_by(runs.c.rank, runs.c.run_id))
_DIALECTS = ("sqlite", "postgresql")
_COUNT_EARLIER = {name: _count_others(name, sa.tuple_(*IN_TURN) < _PLACE) for name in _DIALECTS}
_COUNT_LATER = {name: _count_others(name, sa.tuple_(*IN_TURN) > _PLACE) for name in _DIALECTS}
_COUNT_RUNNING = _count(sa.select(runs.c.run_id).where(RUNNING, runs.c.engine == sa.bindparam("engine")))


def queue_position(tx: Transaction, run: Run) -> int | None:
    """Return how many ready runs of its engine start before it, as far as can be said now.

    That is 1,000 if there are more. None for a run that is not ready. Those of its own workspace count, and
    those of the others that get a turn before; a workspace whose turn comes first gets one more.
    """
    if run.state != "pending" or run.waits_for or run.due_at is not None or run.engine is None:
        return None
    of_turn = {"engine": run.engine, "workspace": run.workspace_id}
    own = {**of_turn, "rank": run.rank, "run": run.run_id, "most": _FARTHEST}
    ahead: int = tx.execute(_COUNT_OWN, own).scalar_one()
    place = tx.execute(_OWN_TURN, of_turn).first()
    if place is None:
        return ahead
    counted = ahead
    turn = {f"own_{column.name}": value for column, value in zip(IN_TURN, tuple(place), strict=True)}
    for counts, depth in ((_COUNT_EARLIER, ahead + 1), (_COUNT_LATER, ahead)):
        if depth and counted < _FARTHEST:
            others = {"engine": run.engine, "depth": depth, "most": _FARTHEST - counted, **turn}
            counted += tx.execute(counts[tx.dialect], others).scalar_one()
    return counted


def running_count(tx: Transaction, engine: str) -> int:
    """Return how many runs are running at an engine, 1,000 if there are more."""
    return tx.execute(_COUNT_RUNNING, {"engine": engine, "most": _FARTHEST}).scalar_one()
