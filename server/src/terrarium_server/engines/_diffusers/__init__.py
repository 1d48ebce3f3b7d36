"""In the child: pipelines of diffusers, from a folder to pictures and films."""

from .call import Call, read_call
from .film import as_film, as_pictures
from .pipeline import Pipelines, find, size_of, takes

__all__ = ["Call", "Pipelines", "as_film", "as_pictures", "find", "read_call", "size_of", "takes"]
