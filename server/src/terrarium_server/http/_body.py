"""The limits on the body of a request: its bytes, the time it takes, and a connection that is left unread."""

import asyncio
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from terrarium_server.problems import TooLarge, TooSlow

from .refusals import RefusedBody, refuse

# A response that comes before the end of the body waits so long for the rest, and discards it. What a client
# has sent together with the head is there at once, and the connection can be used again. Many clients read
# the response only after they have sent the whole body, and may lose it if the connection is closed before.
_REST_SECONDS = 0.2
_REST_BYTES = 16 << 20
# Each piece costs processor time, however small it is.
_MOST_PIECES = 10_000


class BodyLimit:
    """Bounds what is read of a body; nothing is read before the application asks for it.

    A body that is declared too large is refused before it is read, any other when it exceeds ``max_bytes`` or
    takes longer than ``seconds`` from the moment the application begins to read. A response that is sent
    before the body has ended closes the connection, so that no server waits for the rest.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, seconds: float) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or not _has_body(scope):
            await self._app(scope, receive, send)
            return
        body = _Body(receive, self._max_bytes, self._seconds)
        # Such a client sends its body only after a `100 Continue`, which reading the body would send.
        waits_for_continue = _header(scope, b"expect") != b""

        async def send_and_close(message: Message) -> None:
            if message["type"] == "http.response.start" and not body.has_ended:
                if not waits_for_continue:
                    await body.discard_rest()
                if not body.has_ended:
                    headers: Iterable[tuple[bytes, bytes]] = message.get("headers", ())
                    message = {**message, "headers": [*headers, (b"connection", b"close")]}
            await send(message)

        # More digits than any limit has are not converted: Python refuses thousands of them.
        declared = _header(scope, b"content-length").lstrip(b"0")
        if declared.isdigit() and (len(declared) > 15 or int(declared) > self._max_bytes):
            await refuse(body.too_large())(scope, receive, send_and_close)
        else:
            await self._app(scope, body.receive, send_and_close)


class _Body:
    """The body of one request: counts what arrives, and knows when it has ended."""

    def __init__(self, receive: Receive, max_bytes: int, seconds: float) -> None:
        self._receive = receive
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._deadline: float | None = None
        self._size = 0
        self._pieces = 0
        self.has_ended = False

    async def receive(self) -> Message:
        """Return the next message. Raises RefusedBody for a body that is too large or too slow."""
        if self.has_ended:
            return await self._receive()
        if self._deadline is None:
            self._deadline = asyncio.get_running_loop().time() + self._seconds
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._next()
        except TimeoutError:
            raise RefusedBody(TooSlow(f"The body did not arrive within {self._seconds:g} seconds.")) from None
        if self._size > self._max_bytes:
            raise RefusedBody(self.too_large())
        if self._pieces > _MOST_PIECES:
            raise RefusedBody(TooLarge(f"The body arrived in more than {_MOST_PIECES:,} pieces."))
        return message

    async def discard_rest(self) -> None:
        """Read and discard the rest, within limits of its own."""
        end = self._size + _REST_BYTES
        try:
            async with asyncio.timeout(_REST_SECONDS):
                while not self.has_ended and self._size <= end:
                    await self._next()
        except TimeoutError:
            pass

    def too_large(self) -> TooLarge:
        """The refusal of a body that exceeds the limit."""
        return TooLarge(f"The body is larger than {self._max_bytes} bytes.")

    async def _next(self) -> Message:
        message = await self._receive()
        # After a disconnection, too, nothing more arrives.
        self.has_ended = message["type"] != "http.request" or not message.get("more_body", False)
        self._size += len(message.get("body", b""))
        self._pieces += 1
        return message


def _has_body(scope: Scope) -> bool:
    """Whether a body follows the head; later versions than HTTP/1 need not say so."""
    is_chunked = _header(scope, b"transfer-encoding") != b""
    return is_chunked or _header(scope, b"content-length") not in (b"", b"0") or scope["http_version"] >= "2"


def _header(scope: Scope, name: bytes) -> bytes:
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    return next((value for key, value in headers if key == name), b"")
