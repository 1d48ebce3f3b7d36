"""A request to a provider."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, TypedDict

# Importing httpx takes a while, and most servers have no provider.
if TYPE_CHECKING:
    import httpx

_CONNECT_SECONDS = 10.0
_SEND_BYTES = 256 << 10


class Request(TypedDict, total=False):
    """What a call may have: ``body`` is sent as JSON, ``data`` and ``files`` as multipart (as httpx has it).

    ``text`` says that the model writes text: its refusals for content have a code of their own. ``seconds``
    limits the whole call; by default it is the engine's ``timeout_seconds`` for a POST, a minute otherwise.
    """

    body: Any
    query: Mapping[str, str]
    data: Mapping[str, Any]
    files: Any
    headers: Mapping[str, str]
    idempotency_key: str
    text: bool
    seconds: float


async def build(
    client: httpx.AsyncClient,
    method: str,
    address: str,
    request: Request,
    *,
    secret: Mapping[str, str],
    seconds: float,
) -> httpx.Request:
    """Return a request that may take so many seconds, with the headers in ``secret``."""
    import httpx

    headers = {**request.get("headers", {}), **secret}
    if idempotency_key := request.get("idempotency_key"):
        headers["Idempotency-Key"] = idempotency_key
    content: AsyncIterator[bytes] | None = None
    if (body := request.get("body")) is not None:
        encoded = await asyncio.to_thread(_encoded, body)
        headers |= {"Content-Type": "application/json", "Content-Length": str(len(encoded))}
        content = _pieces(encoded)
    return client.build_request(
        method,
        address,
        params=request.get("query"),
        content=content,
        data=request.get("data"),
        files=request.get("files"),
        headers=headers,
        # Connecting times out first: then it is certain that nothing was sent.
        timeout=httpx.Timeout(seconds, connect=min(_CONNECT_SECONDS, seconds / 2)),
    )


def _encoded(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    """Yield a body in pieces, so that encrypting it does not block the loop."""
    for start in range(0, len(content), _SEND_BYTES):
        yield content[start : start + _SEND_BYTES]
