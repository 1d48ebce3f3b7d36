"""The type and size of a provider's results, read from their first bytes and never from their names."""

import struct
from pathlib import Path

from terrarium_server.engines import Output
from terrarium_server.media import MediaKind, sniff

from ._failures import invalid_answer

# The size of a picture comes after at most some color profiles and thumbnails.
_HEAD_BYTES = 1 << 20


def data_output(label: str, data: bytes, kind: MediaKind) -> Output:
    """Return an output of this kind, a picture with its size in pixels.

    Raises ProviderError (GENERATION_INVALID_PROVIDER_RESPONSE) if it is anything else.
    """
    return _output(label, data, kind, data)


def file_output(label: str, path: Path, kind: MediaKind) -> Output:
    """Return an output of this kind from a file, as `data_output` does."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    return _output(label, head, kind, path)


def _output(label: str, head: bytes, kind: MediaKind, data: bytes | Path) -> Output:
    content_type = sniff(head[:32])
    if content_type is None:
        raise invalid_answer(label, f"a file that is not {kind}" if head else "an empty file")
    if kind == "audio" and content_type in ("video/mp4", "video/webm"):
        # The same container is used for sound alone.
        content_type = content_type.replace("video", "audio")
    if not content_type.startswith(f"{kind}/"):
        raise invalid_answer(label, f"{content_type} instead of {kind}")
    width, height = picture_size(head) or (None, None)
    return Output(content_type, data, width, height)


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height in pixels from the head of a PNG, GIF, WebP or JPEG, or None."""
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
    position = 2
    while data[position] == 0xFF:
        marker = data[position + 1]
        # Frame headers; C4, C8 and CC are tables.
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, position + 5)
            return width, height
        position += 2 + struct.unpack_from(">H", data, position + 2)[0]
    return None
