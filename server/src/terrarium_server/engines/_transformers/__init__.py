"""In the child: language models of transformers, from a folder to text."""

from .reader import Reader, find, size_of

__all__ = ["Reader", "find", "size_of"]
