"""Model processes from the server's side: a pool of them, their limits, and their folders."""

from terrarium_server.engines.child.limits import GIB, Limits, size_of

from ._engine import PooledEngine
from ._folders import remove_folder
from ._pool import ProcessPool
from ._temporary import TemporaryFolder, remove_abandoned

__all__ = [
    "GIB",
    "Limits",
    "PooledEngine",
    "ProcessPool",
    "TemporaryFolder",
    "remove_abandoned",
    "remove_folder",
    "size_of",
]
