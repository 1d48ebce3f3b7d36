"""Tickets of jobs at a provider, and the texts in which they are stored."""

import json
from collections.abc import Iterable
from dataclasses import MISSING, astuple, dataclass, fields
from typing import Any, Self, cast

from ._card import OutputType, checked_type


@dataclass(frozen=True, slots=True)
class ProviderTicket:
    """What is needed to poll a job and to read its results; ``type`` is what it makes.

    A kind adds fields. ``text`` is stored in the database, so `parse` has to understand the texts of earlier
    versions too. By default the text is a JSON list of all fields, which have to be texts then. A later
    version adds its fields at the end, each with a default, which is used for tickets of earlier versions.
    """

    type: OutputType

    @property
    def text(self) -> str:
        """This ticket as text."""
        return join_texts(astuple(self))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the ticket with this text. Raises ValueError if it is not one of this kind."""
        output_type, *others = split_texts(text)
        required = [each for each in fields(cls) if each.default is each.default_factory is MISSING]
        if not len(required) <= len(others) + 1 <= len(fields(cls)):
            raise ValueError("another number of fields")
        return cast(Any, cls)(checked_type(output_type), *others)


def join_texts(texts: Iterable[str]) -> str:
    """Return texts as one: a JSON list without spaces."""
    return json.dumps(list(texts), separators=(",", ":"))


def split_texts(text: str) -> list[str]:
    """Return the texts of a JSON list. Raises ValueError if this is none."""
    items: Any = json.loads(text)
    if not isinstance(items, list) or not all(isinstance(item, str) for item in cast(list[Any], items)):
        raise ValueError("not a list of texts")
    return cast(list[str], items)
