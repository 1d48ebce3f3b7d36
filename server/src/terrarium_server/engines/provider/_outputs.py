"""What a provider handed out, known by its first bytes and never by what it is called."""

import struct
from pathlib import Path
from typing import Literal

from ._contract import Output
from ._failures import invalid_answer

MediaKind = Literal["image", "video", "audio"]


# Where a picture says how large it is: behind at most some color profiles and thumbnails.
_HEAD_BYTES = 1 << 20


def media_output(who: str, data: bytes, kind: MediaKind) -> Output:
    """Return an output of this kind, a picture with its size in pixels.

    Raises ProviderError (GENERATION_INVALID_PROVIDER_RESPONSE) if it is anything else.
    """
    return _output(who, data, kind, data)


def file_output(who: str, path: Path, kind: MediaKind) -> Output:
    """Return an output of this kind that is in a file, as `media_output` does."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    return _output(who, head, kind, path)


def _output(who: str, head: bytes, kind: MediaKind, data: bytes | Path) -> Output:
    from terrarium_server.media import sniff

    found = sniff(head[:32])
    if found is None:
        raise invalid_answer(who, f"a file that is not known to be {kind}" if head else "an empty file")
    if kind == "audio" and found in ("video/mp4", "video/webm"):
        # The same container holds sound alone.
        found = found.replace("video", "audio")
    if not found.startswith(f"{kind}/"):
        raise invalid_answer(who, f"{found} instead of {kind}")
    width, height = picture_size(head) or (None, None)
    return Output(found, data, width, height)


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height in pixels that the head of a PNG, GIF, WebP or JPEG names, or None."""
    try:
        if data.startswith(b"\x89PNG"):
            return struct.unpack_from(">II", data, 16)
        if data.startswith(b"GIF8"):
            return struct.unpack_from("<HH", data, 6)
        if data[8:12] == b"WEBP":
            return _webp_size(data)
        if data.startswith(b"\xff\xd8"):
            return _jpeg_size(data)
    except (struct.error, IndexError):
        pass
    return None


def _webp_size(data: bytes) -> tuple[int, int] | None:
    match data[12:16]:
        case b"VP8X":
            return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
        case b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", data, 26)
            return width & 0x3FFF, height & 0x3FFF
        case _:
            return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        # The frame headers; C4, C8 and CC between them are tables.
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    return None
