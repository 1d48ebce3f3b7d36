"""Starting runs, in one transaction: parameters, quote, rate limit, hold, runs, nodes, events.

A run's row is the queue entry, so a refusal leaves nothing behind: no hold, no node, no run. A graph of runs
is admitted as a whole, with one hold.
"""

from ._admit import Admission
from ._requests import (
    Admitted,
    AdmittedGraph,
    Changes,
    EdgeRequest,
    Estimate,
    GenerationRequest,
    GraphRequest,
)

__all__ = [
    "Admission",
    "Admitted",
    "AdmittedGraph",
    "Changes",
    "EdgeRequest",
    "Estimate",
    "GenerationRequest",
    "GraphRequest",
]
