"""Checks links before they are fetched: everything that needs no network."""

from __future__ import annotations

import ipaddress
import re
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from ._addresses import is_public

# Most servers never fetch anything, so this is imported with the first fetch.
if TYPE_CHECKING:
    import httpx

MAX_LINK = 8_000
NOT_PUBLIC = "the link leads to an address that is not public"

_UNREADABLE = "the link cannot be read as one; it must look like https://host.name/path"
_FORBIDDEN = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_HOST = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


class FetchError(Exception):
    """The medium could not be fetched; the message may be shown to the caller who sent the link."""


@dataclass(frozen=True, slots=True)
class FetchRules:
    """Limits of a fetch: total bytes and seconds; ``allow_private`` allows http and private addresses."""

    max_bytes: int = 200 << 20
    seconds: float = 60.0
    allow_private: bool = False


def check_link(text: str, rules: FetchRules) -> httpx.URL:
    """Parse a link, and check that it may be fetched. Raises FetchError.

    International names are accepted, and returned as they are resolved (``xn--…``).
    """
    import httpx

    if len(text) > MAX_LINK:
        raise FetchError(f"the link is longer than {MAX_LINK:,} characters; give a shorter one")
    if _FORBIDDEN.search(text):
        raise FetchError("the link must not contain spaces, line breaks or control characters")
    try:
        link = httpx.URL(text)
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchError(_UNREADABLE) from error
    if link.scheme != "https" and not (link.scheme == "http" and rules.allow_private):
        raise FetchError("the link must start with https://")
    if not link.raw_host or link.userinfo:
        raise FetchError("the link must name a host, and no user")
    _check_host(link.raw_host.decode("ascii"), rules)
    if not _has_valid_port(text):
        raise FetchError("the link's port must be between 1 and 65535")
    return link


def join_link(link: httpx.URL, location: bytes, rules: FetchRules) -> httpx.URL:
    """Return where a redirect leads, if that may be fetched. Raises FetchError."""
    import httpx

    # Many hosts do not escape the characters that a link must not contain.
    target = quote(location, safe=string.ascii_letters + string.digits + string.punctuation)
    try:
        joined = str(link.join(target))
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchError("the link redirects to an address that is not a valid link") from error
    try:
        return check_link(joined, rules)
    except FetchError as error:
        raise FetchError(f"the link redirects to a link that cannot be used: {error}") from error


def _check_host(host: str, rules: FetchRules) -> None:
    """Check a host in lower case: a name in ASCII, or an address without brackets."""
    name = host.removesuffix(".")
    try:
        ipaddress.ip_address(name)
    except ValueError:
        labels = name.split(".")
        # Resolvers read 127.1, 0x7f.1 and 2130706433 as addresses; no name ends in a number.
        if _NUMBER.fullmatch(labels[-1]):
            raise FetchError("the link's host must be a name or an address of four numbers") from None
        if len(name) > 253 or not _HOST.fullmatch(name) or not all(map(_is_label, labels)):
            raise FetchError("the link's host is not a valid name") from None
        is_private = labels[-1] == "localhost"
    else:
        is_private = not is_public(name)
    if is_private and not rules.allow_private:
        raise FetchError(NOT_PUBLIC)


def _has_valid_port(text: str) -> bool:
    # httpx also takes `+1`, `1_0` and the digits of other scripts.
    try:
        return urlsplit(text).port != 0
    except ValueError:
        return False


def _is_label(label: str) -> bool:
    """Whether a label is not international, or decodes to letters that ASCII does not have."""
    if not label.startswith("xn--"):
        return True
    try:
        decoded = label[4:].encode().decode("punycode")
    except ValueError:
        return False
    return decoded.isprintable() and not decoded.isascii()
