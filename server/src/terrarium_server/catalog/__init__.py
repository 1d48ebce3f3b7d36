"""Model cards, one TOML file each: what a model is called, takes, costs, and which engine runs it."""

from ._cards import CardError, MediaKind, ModelCard, Param, ParamOption, Price, Weights
from ._catalog import Catalog, load_catalog
from ._params import check_params
from ._weights import find_weights, folder_of, weights_folder

__all__ = [
    "CardError",
    "Catalog",
    "MediaKind",
    "ModelCard",
    "Param",
    "ParamOption",
    "Price",
    "Weights",
    "check_params",
    "find_weights",
    "folder_of",
    "load_catalog",
    "weights_folder",
]
