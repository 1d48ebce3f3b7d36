"""Everything durable; with `app`, the only room that knows DBOS.

A pending run is the queue (`docs/decisions/0002`). A worker claims it, carries it through `generation`
and is watched by the others: what a dead worker leaves is taken over by a survivor.
"""

from ._bench import Bench
from ._launch import Workers, launch
from ._tables import workers

__all__ = ["Bench", "Workers", "launch", "workers"]
