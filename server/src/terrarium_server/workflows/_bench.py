from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from terrarium_server.catalog import Catalog
from terrarium_server.engines import Engines
from terrarium_server.media import FetchRules
from terrarium_server.runs import Run, Signals
from terrarium_server.store import Blobs, Database


@dataclass(frozen=True, slots=True)
class Bench:
    """What a worker works with.

    ``weights`` is the folder of models' weights, ``fallback`` the owner's second choice for a model.

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
    weights: Path
    fallback: Mapping[str, str] = field(default_factory=dict[str, str])
    fetch_rules: FetchRules = field(default_factory=FetchRules)
    claimed: dict[str, Run] = field(default_factory=dict[str, Run])
    carried: set[str] = field(default_factory=set[str])
