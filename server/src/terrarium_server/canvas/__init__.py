"""The project's canvas: media nodes, and the outputs of runs on them."""

from ._nodes import (
    NodeRecord,
    Placed,
    list_nodes,
    place,
    place_all,
    place_at_once,
    place_outputs,
    place_values,
)
from ._tables import boards, nodes

__all__ = [
    "NodeRecord",
    "Placed",
    "boards",
    "list_nodes",
    "nodes",
    "place",
    "place_all",
    "place_at_once",
    "place_outputs",
    "place_values",
]
