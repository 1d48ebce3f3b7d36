"""Who makes things: one file per backend, a contract and a registry. How to add one: `ADDING.md`."""

from ._codes import CODES, Remedy
from ._contract import (
    Engine,
    Failed,
    Finished,
    Followers,
    Input,
    Job,
    Lost,
    Mark,
    News,
    Output,
    Progress,
    Refused,
    Ticket,
    Unknown,
)
from ._registry import BUILT_IN, Engines, discover, find_kind, kinds
from ._scratch import remove_folder
from ._setup import EngineOptions, Setup
from ._temporary import TemporaryFolder, remove_abandoned

__all__ = [
    "BUILT_IN",
    "CODES",
    "Engine",
    "EngineOptions",
    "Engines",
    "Failed",
    "Finished",
    "Followers",
    "Input",
    "Job",
    "Lost",
    "Mark",
    "News",
    "Output",
    "Progress",
    "Refused",
    "Remedy",
    "Setup",
    "TemporaryFolder",
    "Ticket",
    "Unknown",
    "discover",
    "find_kind",
    "kinds",
    "remove_abandoned",
    "remove_folder",
]
