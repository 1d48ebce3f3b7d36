"""The door: HTTP in, our words inside, HTTP out. One file per resource."""

from ._door import Door
from .middleware import AnswerHeaders, BodyLimit
from .refusals import install_refusals
from .routes import api, plain

__all__ = ["AnswerHeaders", "BodyLimit", "Door", "api", "install_refusals", "plain"]
