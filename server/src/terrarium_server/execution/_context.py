"""The services that the modules of a worker share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from terrarium_server.catalog import Catalog
from terrarium_server.engines.registry import Engines
from terrarium_server.media import FetchRules
from terrarium_server.store import Blobs, Database, Transaction

from ._working_time import WorkingTime


@dataclass(frozen=True, slots=True)
class Context:
    """The services that a worker uses.

    ``weights`` is the folder of models' weights. ``temporary`` is a folder for files that are deleted after a
    run, on the same disk as the blobs. ``fallback`` maps a model to the owner's second choice for it.
    ``single_process``: no other process can use this database. ``is_current`` tells whether the database's
    schema is the one that this version knows. ``time`` is the worker's working time.
    """

    worker_id: str
    database: Database
    blobs: Blobs
    catalog: Catalog
    engines: Engines
    weights: Path
    temporary: Path
    single_process: bool
    is_current: Callable[[Transaction], bool]
    fallback: Mapping[str, str] = field(default_factory=dict[str, str])
    fetch_rules: FetchRules = field(default_factory=FetchRules)
    time: WorkingTime = field(default_factory=WorkingTime)
