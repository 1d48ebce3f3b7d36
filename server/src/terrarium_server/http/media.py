"""The bytes of media, for whoever has the link: GET and HEAD, whole or one range."""

import logging
import re
from collections.abc import AsyncIterator
from email.utils import formatdate
from typing import cast

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from terrarium_server import assets
from terrarium_server.problems import NotFound

from ._api import plain
from ._door import Door

_log = logging.getLogger(__name__)

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_CHUNK = 1 << 20
_MISSING = (
    "The file of this link is missing on the server, or not whole; its owner can put it back from a backup, "
    "and starting the run again makes it anew."
)


@plain.api_route("/media/{link}", methods=["GET", "HEAD"])
async def media(link: str, request: Request) -> Response:
    """Serve a medium. The link is stable and cannot be guessed; no key is needed."""
    if "\x00" in link:
        raise NotFound
    door = cast(Door, request.app.state.door)
    kept = await door.database.read(lambda tx: assets.find_medium(tx, link))
    if await door.blobs.size(kept.blob) != kept.size_bytes:
        _log.warning("the file %s is missing or not whole", kept.blob)
        raise NotFound(_MISSING)
    tag = f'"{kept.sha256}"'
    headers = {
        "accept-ranges": "bytes",
        "access-control-allow-origin": "*",
        "cache-control": "public, max-age=31536000, immutable",
        "content-type": kept.content_type,
        "etag": tag,
        "last-modified": formatdate(kept.created_at / 1000, usegmt=True),
        "x-content-type-options": "nosniff",
    }
    known = request.headers.get("if-none-match", "")
    if tag in known or known.strip() == "*":
        return Response(status_code=304, headers=headers)
    status, start, end = 200, 0, kept.size_bytes
    asked = request.headers.get("range")
    # A range of something that has changed since is a range of something else: send it whole.
    if asked and request.headers.get("if-range", tag) == tag:
        span = _span(asked, kept.size_bytes)
        if span is not None:
            start, end = span
            if start >= end:
                return Response(status_code=416, headers={"content-range": f"bytes */{kept.size_bytes}"})
            status = 206
            headers["content-range"] = f"bytes {start}-{end - 1}/{kept.size_bytes}"
    headers["content-length"] = str(end - start)
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)

    async def chunks() -> AsyncIterator[bytes]:
        for offset in range(start, end, _CHUNK):
            yield await door.blobs.get(kept.blob, offset, min(offset + _CHUNK, end))

    return StreamingResponse(chunks(), status, headers)


def _span(asked: str, size: int) -> tuple[int, int] | None:
    """Return start and end (exclusive) of a Range header, None if it is not one that is understood.

    The start is not before the end where the range lies outside.
    """
    match = _RANGE.fullmatch(asked.strip())
    if match is None or match[1] == match[2] == "":
        return None
    if match[1] == "":
        return max(0, size - int(match[2])), size
    return int(match[1]), min(int(match[2]) + 1, size) if match[2] else size
