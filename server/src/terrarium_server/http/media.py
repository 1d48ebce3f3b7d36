"""The bytes of media: GET and HEAD, whole or one range. Whoever knows a link may read it."""

import logging
import re
from collections.abc import AsyncIterator
from email.utils import formatdate

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from terrarium_server import assets
from terrarium_server.problems import NotFound

from ._api import unversioned
from ._context import http_context
from .refusals import envelope

_log = logging.getLogger(__name__)

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
# Small, because each client that reads slowly or not at all keeps one in memory.
_CHUNK = 128 << 10
_MISSING = (
    "The file of this link is missing or incomplete on the server. Its owner can restore it from a backup; "
    "starting the run again makes it anew."
)


@unversioned.api_route("/media/{link}", methods=["GET", "HEAD"])
async def media(link: str, request: Request) -> Response:
    """Serve a medium. The link is stable and cannot be guessed; no key is needed."""
    if "\x00" in link:
        raise NotFound
    context = http_context(request)
    medium = await context.database.read(lambda tx: assets.find_medium(tx, link))
    if await context.blobs.size(medium.blob) != medium.size_bytes:
        _log.warning("the file %s is missing or incomplete", medium.blob)
        raise NotFound(_MISSING)
    tag = f'"{medium.sha256}"'
    headers = {
        "accept-ranges": "bytes",
        "access-control-allow-origin": "*",
        "cache-control": "public, max-age=31536000, immutable",
        "content-type": medium.content_type,
        "etag": tag,
        "last-modified": formatdate(medium.created_at / 1000, usegmt=True),
        # A medium that is opened as a page, as SVG can be, runs no scripts in this server's name.
        "content-security-policy": "sandbox",
        "x-content-type-options": "nosniff",
    }
    known_tags = request.headers.get("if-none-match", "")
    if tag in known_tags or known_tags.strip() == "*":
        return Response(status_code=304, headers=headers)
    status, start, end = 200, 0, medium.size_bytes
    requested_range = request.headers.get("range")
    # After a change the range is one of other content: send the medium whole.
    if requested_range and request.headers.get("if-range", tag) == tag:
        span = _span(requested_range, medium.size_bytes)
        if span is not None:
            start, end = span
            if start >= end:
                message = f"The file has {medium.size_bytes} bytes."
                outside = {"content-range": f"bytes */{medium.size_bytes}"}
                return envelope(416, "input_validation_error", message, headers=outside)
            status = 206
            headers["content-range"] = f"bytes {start}-{end - 1}/{medium.size_bytes}"
    headers["content-length"] = str(end - start)
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)

    async def chunks() -> AsyncIterator[bytes]:
        for offset in range(start, end, _CHUNK):
            yield await context.blobs.get(medium.blob, offset, min(offset + _CHUNK, end))

    return StreamingResponse(chunks(), status, headers)


def _span(header: str, size: int) -> tuple[int, int] | None:
    """Return start and end (exclusive) of a Range header, None if it is not a single range of bytes.

    For a range outside the content the start is not before the end.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or match[1] == match[2] == "":
        return None
    if match[1] == "":
        return max(0, size - int(match[2])), size
    return int(match[1]), min(int(match[2]) + 1, size) if match[2] else size
