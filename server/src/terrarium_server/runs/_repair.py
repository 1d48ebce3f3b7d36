"""Compares the turns with the runs that are ready. It reads every waiting workspace, so do it rarely."""

import sqlalchemy as sa

from terrarium_server.store import Transaction

from ._queue import A_READY_RUN, CLAIMABLE, END_WAITING, OF_NAMES, engines_waited_for
from ._tables import WAITING, runs, turns

_FIRST = sa.select(sa.func.min(runs.c.workspace_id).label("workspace_id")).where(
    CLAIMABLE, runs.c.engine == sa.bindparam("engine")
)
_ready = _FIRST.cte("ready_workspaces", recursive=True)
_ready = _ready.union_all(
    sa.select(_FIRST.where(runs.c.workspace_id > _ready.c.workspace_id).scalar_subquery()).where(
        _ready.c.workspace_id.is_not(None)
    )
)
_OVERLOOKED = sa.select(_ready.c.workspace_id).where(
    _ready.c.workspace_id.is_not(None),
    ~sa.exists().where(
        WAITING, turns.c.engine == sa.bindparam("engine"), turns.c.workspace_id == _ready.c.workspace_id
    ),
)
_MOST_AT_ONCE = 500
_IDLE = (
    sa.select(turns.c.engine, turns.c.workspace_id).where(WAITING, A_READY_RUN.is_(None)).limit(_MOST_AT_ONCE)
)
_LOCK_TURN = sa.select(turns.c.engine).where(OF_NAMES).with_for_update(key_share=True)


def find_overlooked(tx: Transaction) -> set[tuple[str, str]]:
    """Return the pairs of (engine, workspace_id) with ready runs and no waiting turn, of which there should
    be none; `wake` corrects that.
    """
    return {
        (engine, workspace_id)
        for engine in engines_waited_for(tx)
        for workspace_id in tx.execute(_OVERLOOKED, {"engine": engine}).scalars()
    }


def end_idle_turns(tx: Transaction) -> int:
    """Note for workspaces whose last ready runs were cancelled that they do not wait any more, 500 at a time.

    Returns how many there were. A turn that waits for nothing does no harm, but every claim looks at it.
    """
    idle = [
        {"of_engine": engine, "of_workspace": workspace_id}
        for engine, workspace_id in sorted(map(tuple, tx.execute(_IDLE)))
    ]
    for names in idle:
        tx.execute(_LOCK_TURN, names)
    if idle:
        # After all are locked, see `wake`: what was committed meanwhile is seen now.
        tx.execute(END_WAITING, idle)
    return len(idle)
