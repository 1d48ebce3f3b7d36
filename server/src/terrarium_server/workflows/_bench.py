from dataclasses import dataclass, field

from terrarium_server.catalog import Catalog
from terrarium_server.engines import Engines
from terrarium_server.runs import Run, Signals
from terrarium_server.store import Blobs, Database


@dataclass(frozen=True, slots=True)
class Bench:
    """What a worker works with. ``claimed`` spares a run just claimed from being read again."""

    worker_id: str
    database: Database
    blobs: Blobs
    catalog: Catalog
    engines: Engines
    signals: Signals
    claimed: dict[str, Run] = field(default_factory=dict[str, Run])
