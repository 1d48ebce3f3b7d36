"""For every request: its id, a limit on its body, and the headers of its response."""

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from terrarium_server import ids
from terrarium_server.admission import RateLimits
from terrarium_server.problems import TooLarge
from terrarium_server.store import UNAVAILABLE

from .refusals import envelope, refuse

_log = logging.getLogger("terrarium_server.access")


class ResponseHeaders:
    """Adds a ``request-id`` to every response, and ``RateLimit-*`` once the caller is known.

    It is the outermost layer, so that the response to an unexpected error has them too.
    """

    def __init__(self, app: ASGIApp, rates: RateLimits) -> None:
        self._app = app
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = ids.mint("req")
        state = scope.setdefault("state", {})
        started = False
        status = 500
        began = time.perf_counter()

        async def send_with_headers(message: Message) -> None:
            nonlocal started, status
            if message["type"] == "http.response.start":
                started = True
                status = message["status"]
                headers = list(message.get("headers", ()))
                headers.append((b"request-id", request_id.encode()))
                caller = state.get("caller")
                if caller is not None:
                    rate = self._rates.state(caller.workspace_id, caller.rate_limit)
                    headers.append((b"ratelimit-limit", b"%d" % rate.limit))
                    headers.append((b"ratelimit-remaining", b"%d" % rate.remaining))
                    headers.append((b"ratelimit-reset", b"%d" % rate.reset_seconds))
                message = {**message, "headers": headers}
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except UNAVAILABLE as error:
            if not started:
                _log.warning("%s the database does not answer: %s", request_id, str(error).partition("\n")[0])
                message = "The server's database does not answer at the moment; try again."
                response = envelope(503, "service_unavailable", message, headers={"retry-after": "1"})
                await response(scope, receive, send_with_headers)
        except Exception:
            # The trace goes to the log; the caller gets only the id.
            if not started:
                _log.exception("%s %s %s", request_id, scope["method"], scope["path"])
                response = envelope(500, "unknown_error", "An unknown error occurred.")
                await response(scope, receive, send_with_headers)
        finally:
            _log.debug(
                "%s %s %s %d %.1f ms",
                request_id,
                scope["method"],
                scope["path"],
                status,
                (time.perf_counter() - began) * 1000,
            )


class BodyLimit:
    """Refuses bodies that are too large before they are read."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["method"] not in ("POST", "PUT", "PATCH"):
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        too_large = TooLarge(f"The body is larger than {self._max_bytes} bytes.")
        declared = headers.get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > self._max_bytes:
            await refuse(too_large)(scope, receive, send)
            return
        if b"content-length" in headers:
            await self._app(scope, receive, send)
            return
        # A body without a declared length is read here, up to the limit, and passed on whole.
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self._max_bytes:
                await refuse(too_large)(scope, receive, send)
                return
            if not message.get("more_body", False):
                break
        body = b"".join(parts)
        sent = False

        async def receive_whole() -> Message:
            nonlocal sent
            if sent:
                return await receive()
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, receive_whole, send)
