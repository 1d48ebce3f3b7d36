"""Opaque cursors and page sizes."""

import base64
import binascii
import json
from typing import Annotated, cast

from fastapi import Query
from pydantic import BeforeValidator, Field

from terrarium_server.problems import InvalidInput


def _empty_is_absent(value: object) -> object:
    return None if value == "" else value


# The official client sends `key=` for null.
EmptyIsAbsent = BeforeValidator(_empty_is_absent)


def digits(value: object) -> object:
    """Refuse a text that is not a whole number."""
    # Otherwise `1_0`, `+5` and `1.0` would be numbers.
    if isinstance(value, str) and not (value.isascii() and value.isdigit()):
        raise ValueError("Must be a whole number")
    return value


# The bounds are on the inner type: on the outer one they would be checked for None too.
Limit = Annotated[
    Annotated[int, Field(ge=1, le=100), BeforeValidator(digits)] | None,
    EmptyIsAbsent,
    Query(description="Rows on a page (1 to 100, default 20)"),
]
Cursor = Annotated[str | None, Query(description="`meta.next_cursor` of the page before")]

DEFAULT_LIMIT = 20


def encode_cursor(*position: str | int) -> str:
    """Return the position after which a page starts as an opaque string."""
    raw = json.dumps(position, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_cursor(cursor: str | None, *types: type) -> tuple[object, ...] | None:
    """Return the position a cursor stands for, None for the first page. Raises InvalidInput."""
    if not cursor:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        position = json.loads(raw)
    except (binascii.Error, ValueError, RecursionError):
        position = None
    if not isinstance(position, list):
        raise InvalidInput.one("cursor", "Must be the next_cursor of a page")
    items = cast(list[object], position)
    fits = len(items) == len(types) and all(
        type(item) is expected for item, expected in zip(items, types, strict=True)
    )
    if not fits or any(isinstance(item, str) and not item.isprintable() for item in items):
        raise InvalidInput.one("cursor", "Must be the next_cursor of a page")
    if any(isinstance(item, int) and abs(item) >= 2**53 for item in items):
        raise InvalidInput.one("cursor", "Must be the next_cursor of a page")
    return tuple(items)
