from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from terrarium_server.catalog import Catalog
from terrarium_server.engines import Engines
from terrarium_server.media import FetchRules
from terrarium_server.runs import Signals
from terrarium_server.store import Blobs, Database, Transaction

from ._working_time import WorkingTime


@dataclass(frozen=True, slots=True)
class Context:
    """What a worker works with.

    ``weights`` is the folder of models' weights, ``temporary`` one for files that are gone after a run, on
    the disk of the blobs. ``fallback`` is the owner's second choice for a model. ``alone``: no other worker
    can have this database. ``is_current`` says whether this version knows the database's schema. ``time`` is
    the worker's.
    """

    worker_id: str
    database: Database
    blobs: Blobs
    catalog: Catalog
    engines: Engines
    signals: Signals
    weights: Path
    temporary: Path
    alone: bool
    is_current: Callable[[Transaction], bool]
    fallback: Mapping[str, str] = field(default_factory=dict[str, str])
    fetch_rules: FetchRules = field(default_factory=FetchRules)
    time: WorkingTime = field(default_factory=WorkingTime)
