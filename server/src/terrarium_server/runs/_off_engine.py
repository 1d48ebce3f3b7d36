"""Running runs that do not use their engine for a while, so that another one can.

Only for engines whose limit counts over all workers: the others are counted by each worker.
"""

import sqlalchemy as sa

from terrarium_server.store import Transaction

from ._held import HELD, held
from ._queue import lock_engine
from ._reads import Run
from ._tables import RUNNING, runs

_LEAVE = sa.update(runs).where(HELD).values(off_engine="fetching")
_RETURN = sa.update(runs).where(HELD).values(off_engine=sa.bindparam("place", type_=sa.Text))
_USING = (
    sa.select(sa.func.count())
    .select_from(runs)
    .where(RUNNING, runs.c.engine == sa.bindparam("engine"), runs.c.off_engine.is_(None))
)


def leave_engine(tx: Transaction, run: Run) -> bool:
    """Let others use the engine while this run's media are fetched; False if its claim is not valid."""
    assert run.engine is not None
    tx.publish("ready", run.engine)
    return tx.execute(_LEAVE, held(run)).rowcount == 1


def return_to_engine(tx: Transaction, run: Run, limit: int) -> bool | None:
    """Use the engine again if fewer than ``limit`` runs do; None if this run's claim is not valid.

    If none is free, no new run is claimed before this one has returned: try again when one has ended.
    """
    assert run.engine is not None
    lock_engine(tx, run.engine)
    # In a statement of its own, that sees the claims of those who had the lock before.
    is_free = tx.execute(_USING, {"engine": run.engine}).scalar_one() < limit
    place = None if is_free else "fetched"
    return is_free if tx.execute(_RETURN, {**held(run), "place": place}).rowcount == 1 else None
