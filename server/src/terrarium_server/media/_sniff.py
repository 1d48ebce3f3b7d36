"""The type of a file by its first bytes; the type that its sender declares is ignored."""

from typing import Literal

MediaKind = Literal["image", "video", "audio"]

# How many bytes `sniff` reads.
HEAD_BYTES = 32

_WITH_ARTICLE: dict[MediaKind, str] = {"image": "an image", "video": "a video", "audio": "audio"}
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


def sniff(head: bytes) -> str | None:
    """Return the media type of a file by its first bytes, or None."""
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


def is_kind(content_type: str, kind: MediaKind) -> bool:
    """Whether a file of this type can be a medium of this kind."""
    # Audio may come in a container for video.
    return content_type.startswith(f"{kind}/") or (
        kind == "audio" and content_type in ("video/mp4", "video/webm")
    )


def with_article(kind: MediaKind) -> str:
    """Return a kind with its article, for a sentence."""
    return _WITH_ARTICLE[kind]
