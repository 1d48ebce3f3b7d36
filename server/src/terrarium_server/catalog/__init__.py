"""Model cards, one TOML file each: what a model is called, takes, costs, and which engine runs it."""

from ._cards import CardError, ModelCard, Param, ParamOption, Price
from ._catalog import Catalog, load_catalog
from ._params import check_params

__all__ = [
    "CardError",
    "Catalog",
    "ModelCard",
    "Param",
    "ParamOption",
    "Price",
    "check_params",
    "load_catalog",
]
