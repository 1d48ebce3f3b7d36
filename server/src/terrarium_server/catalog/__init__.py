"""Model cards, one TOML file each: what a model is called, takes, costs, and which engine runs it."""

from ._availability import Availability
from ._cards import CardError, MediaKind, ModelCard, Param, ParamOption, Price, Weights
from ._catalog import Catalog, load_cards
from ._params import check_params
from ._pull import PullError, pull
from ._weights import find_weights, folder_of, weights_folder

__all__ = [
    "Availability",
    "CardError",
    "Catalog",
    "MediaKind",
    "ModelCard",
    "Param",
    "ParamOption",
    "Price",
    "PullError",
    "Weights",
    "check_params",
    "find_weights",
    "folder_of",
    "load_cards",
    "pull",
    "weights_folder",
]
