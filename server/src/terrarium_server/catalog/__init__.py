"""Model cards, one TOML file each: a model's name, parameters, price and engine."""

from ._aliases import LONGEST_ALIAS
from ._availability import Availability
from ._cards import CardError, ModelCard, Param, ParamOption, Price, Weights
from ._catalog import NO_MODELS, Catalog, Usable, load_cards
from ._params import check_params
from ._pull import PullError, pull
from ._weights import find_weights, folder_of, weights_folder

__all__ = [
    "LONGEST_ALIAS",
    "NO_MODELS",
    "Availability",
    "CardError",
    "Catalog",
    "ModelCard",
    "Param",
    "ParamOption",
    "Price",
    "PullError",
    "Usable",
    "Weights",
    "check_params",
    "find_weights",
    "folder_of",
    "load_cards",
    "pull",
    "weights_folder",
]
