"""The contract of engines: the types of jobs and of their results.

An engine imports this package and `setup`, and if it needs them `processes` and `child` (models in processes
of their own), `provider` (hosted models) and `sizes`. This package imports nothing heavy, because model
processes import it too. How to write an engine: `docs/engines/ADDING.md`.
"""

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
    discard,
)

__all__ = [
    "CODES",
    "Engine",
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
    "Ticket",
    "Unknown",
    "discard",
]
