"""The HTTP layer: requests to calls of our packages, their records to responses. One file per resource."""

from ._context import HttpContext
from .middleware import BodyLimit, ResponseHeaders
from .refusals import install_refusals
from .routes import api, unversioned

__all__ = ["BodyLimit", "HttpContext", "ResponseHeaders", "api", "install_refusals", "unversioned"]
