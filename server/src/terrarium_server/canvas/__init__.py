"""The project's canvas: media nodes, and where the outputs of runs land."""

from ._nodes import PLACE_AT_ONCE, NodeRecord, land, list_nodes, place, place_values
from ._tables import boards, nodes

__all__ = [
    "PLACE_AT_ONCE",
    "NodeRecord",
    "boards",
    "land",
    "list_nodes",
    "nodes",
    "place",
    "place_values",
]
