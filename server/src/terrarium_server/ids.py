"""Prefixed identifiers that sort by the time they were made: creating and checking them.

An identifier is a prefix and 26 characters of lower-case Crockford base 32: 48 bits of UTC
milliseconds, then 80 random bits (the layout of a ULID). Secrets have 160 random bits and no time.
"""

import os
import re
import time
from typing import Literal

Prefix = Literal["ws", "prj", "run", "key", "mem", "led", "out", "med", "lnk", "blob", "req", "wrk"]

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
_BODY = re.compile(r"\S+")


def _base32(value: int, pairs: int) -> str:
    parts: list[str] = []
    for _ in range(pairs):
        parts.append(_PAIRS[value & 0x3FF])
        value >>= 10
    parts.reverse()
    return "".join(parts)


def mint(prefix: Prefix, *, now_ms: int | None = None) -> str:
    """Return a new identifier, e.g. ``run_01kq…``; ids made later sort later (to the millisecond)."""
    milliseconds = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    return f"{prefix}_{_base32((milliseconds << 80) | int.from_bytes(os.urandom(10)), 13)}"


def mint_ascending(prefix: Prefix, count: int, *, now_ms: int) -> list[str]:
    """Return so many new identifiers in ascending order."""
    return sorted(mint(prefix, now_ms=now_ms) for _ in range(count))


def mint_secret(prefix: Literal["sk_live", "whsec"]) -> str:
    """Return a new secret with 160 random bits."""
    return f"{prefix}_{_base32(int.from_bytes(os.urandom(20)), 16)}"


def is_id(prefix: Prefix, value: str) -> bool:
    """Whether ``value`` has the shape ``<prefix>_<non-space characters>`` (FLORA's own pattern)."""
    return value.startswith(f"{prefix}_") and _BODY.fullmatch(value, len(prefix) + 1) is not None
