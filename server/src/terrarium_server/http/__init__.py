"""The door: HTTP in, our words inside, HTTP out. One file per resource."""

from ._door import Door
from .middleware import AnswerHeaders, BodyLimit
from .refusals import install_refusals
from .routes import api_router, plain_router

__all__ = ["AnswerHeaders", "BodyLimit", "Door", "api_router", "install_refusals", "plain_router"]
