"""Fetching what a link names, without letting anybody reach into this machine or its network.

Only https to public addresses: every name is resolved here, every address is checked, and the connection
goes to the very address that was checked, so that a name cannot change its mind in between. Redirects are
checked again. Size, time and type are bounded.
"""

from __future__ import annotations

import ipaddress
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal
from urllib.parse import urljoin, urlsplit

# Most servers never fetch anything: what it takes is imported when something is.
if TYPE_CHECKING:
    import httpx

Kind = Literal["image", "video", "audio"]

_REDIRECTS = 5
_CHUNK = 1 << 16


class FetchError(Exception):
    """The medium could not be had; the message can be shown to whoever gave the link."""


@dataclass(frozen=True, slots=True)
class FetchRules:
    """What may be fetched: bytes and seconds in all; ``allow_private`` opens http and private addresses."""

    max_bytes: int = 200 << 20
    seconds: float = 60.0
    allow_private: bool = False


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was fetched, and its type as its first bytes tell it."""

    path: Path
    content_type: str
    size_bytes: int


def fetch(url: str, into: Path, *, kind: Kind, rules: FetchRules) -> Fetched:
    """Fetch ``url`` into the file ``into``; it must be of this kind. Raises FetchError."""
    import httpx

    from ._guarded import GuardedTransport

    deadline = time.monotonic() + rules.seconds
    timeout = httpx.Timeout(min(15.0, rules.seconds))
    with httpx.Client(transport=GuardedTransport(rules), timeout=timeout, trust_env=False) as client:
        try:
            for _ in range(_REDIRECTS + 1):
                _check(url, rules)
                with client.stream("GET", url, headers={"accept-encoding": "identity"}) as answer:
                    if answer.is_redirect:
                        url = urljoin(url, answer.headers.get("location", ""))
                        continue
                    if answer.status_code != 200:
                        raise FetchError(f"the link answered {answer.status_code}")
                    with into.open("wb") as file:
                        size = _copy(answer, file, rules, deadline)
                    return _known(into, size, kind)
        except httpx.HTTPError as error:
            raise FetchError(f"the link could not be fetched: {error}") from error
    raise FetchError(f"the link redirects more than {_REDIRECTS} times")


def sniff(head: bytes) -> str | None:
    """Return the media type that the first bytes of a file tell, or None."""
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in (b"avif", b"avis"):
            return "image/avif"
        if brand in (b"heic", b"heix", b"mif1"):
            return "image/heic"
        if brand.startswith(b"M4A"):
            return "audio/mp4"
        return "video/quicktime" if brand == b"qt  " else "video/mp4"
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}.get(head[8:12])
    for magic, content_type in _MAGIC:
        if head.startswith(magic):
            return content_type
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return "audio/mpeg" if head[1] & 0x06 else "audio/aac"
    return None


_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
)


def _check(url: str, rules: FetchRules) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and rules.allow_private):
        raise FetchError("the link must start with https://")
    if not parts.hostname or parts.username is not None or parts.password is not None:
        raise FetchError("the link must name a host, and no user")


def _copy(answer: httpx.Response, file: BinaryIO, rules: FetchRules, deadline: float) -> int:
    size = 0
    for chunk in answer.iter_raw(_CHUNK):
        size += len(chunk)
        if size > rules.max_bytes:
            raise FetchError(f"the file is larger than {rules.max_bytes >> 20} MiB")
        if time.monotonic() > deadline:
            raise FetchError(f"the file did not arrive within {rules.seconds:.0f} s")
        file.write(chunk)
    return size


def _known(path: Path, size: int, kind: Kind) -> Fetched:
    with path.open("rb") as file:
        content_type = sniff(file.read(32))
    # What the server calls it is not asked: only what it is.
    if content_type is None or not _is(content_type, kind):
        raise FetchError(f"the file is {content_type or 'of an unknown type'}, not {_article(kind)}")
    return Fetched(path, content_type, size)


def _is(content_type: str, kind: Kind) -> bool:
    # Sound may come in a container that could also hold pictures.
    return content_type.startswith(f"{kind}/") or (
        kind == "audio" and content_type in ("video/mp4", "video/webm")
    )


def _article(kind: Kind) -> str:
    return {"image": "an image", "video": "a video", "audio": "audio"}[kind]


def is_public(address: str) -> bool:
    """Whether everybody may reach this address, also through the ways IPv6 has of writing an IPv4 one."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if inner is None and ip in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip.teredo is not None:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved
