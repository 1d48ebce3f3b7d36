"""What pydantic finds wrong with the owner's files and cards, in one form."""

from collections.abc import Iterable
from typing import NamedTuple

from pydantic import ValidationError


class Cause(NamedTuple):
    """One field that is wrong: where it is, and why. ``is_unknown``: nobody reads a field of this name."""

    where: tuple[int | str, ...]
    message: str
    is_unknown: bool

    def line(self, known: Iterable[str] = ()) -> str:
        """Return the field's path and what is wrong with it; an unknown field is answered with ``known``."""
        path = ".".join(str(part) for part in self.where)
        message = self.message
        if self.is_unknown:
            names = ", ".join(known)
            message = f"unknown; known here: {names}" if names else "unknown"
        return f"{path}: {message}" if path else message


def causes_of(error: ValidationError) -> list[Cause]:
    """Return everything that is wrong."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [Cause(cause["loc"], cause["msg"], cause["type"] == "extra_forbidden") for cause in found]


def all_causes(error: ValidationError, *, known: Iterable[str] = ()) -> str:
    """Return everything that is wrong in one line."""
    names = tuple(known)
    return "; ".join(cause.line(names) for cause in causes_of(error))
