"""The HTTP layer: requests to calls of our packages, their records to responses. One file per resource."""

from ._body import BodyLimit
from ._callers import Callers
from ._context import HttpContext
from ._document import declare_event_data, declare_headers
from ._event_stream import SERVER_SENT
from ._hosts import KnownHosts
from ._model_list import ModelLists
from ._open_streams import OpenStreams
from ._request_rates import RequestRates
from .middleware import HeadAsGet, ResponseHeaders
from .refusals import install_refusals
from .routes import api, unversioned

__all__ = [
    "SERVER_SENT",
    "BodyLimit",
    "Callers",
    "HeadAsGet",
    "HttpContext",
    "KnownHosts",
    "ModelLists",
    "OpenStreams",
    "RequestRates",
    "ResponseHeaders",
    "api",
    "declare_event_data",
    "declare_headers",
    "install_refusals",
    "unversioned",
]
