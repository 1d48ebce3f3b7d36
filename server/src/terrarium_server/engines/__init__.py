"""Who makes things: one file per backend, a contract and a registry. How to add one: `ADDING.md`."""

from ._contract import (
    Engine,
    Failed,
    Finished,
    Job,
    Look,
    Lost,
    Output,
    Refused,
    Ticket,
    Waiting,
)
from ._registry import Engines, discover

__all__ = [
    "Engine",
    "Engines",
    "Failed",
    "Finished",
    "Job",
    "Look",
    "Lost",
    "Output",
    "Refused",
    "Ticket",
    "Waiting",
    "discover",
]
