from dataclasses import dataclass, field

from terrarium_server.catalog import Catalog
from terrarium_server.engines import Engines
from terrarium_server.runs import Run, Signals
from terrarium_server.store import Blobs, Database


@dataclass(frozen=True, slots=True)
class Bench:
    """What a worker works with.

    ``claimed`` spares a run just claimed from being read again. ``carried`` are the ids of the runs that
    threads of this process have in hand; what bears the worker's name and is not among them has been
    dropped, and the watch picks it up.
    """

    worker_id: str
    database: Database
    blobs: Blobs
    catalog: Catalog
    engines: Engines
    signals: Signals
    claimed: dict[str, Run] = field(default_factory=dict[str, Run])
    carried: set[str] = field(default_factory=set[str])
