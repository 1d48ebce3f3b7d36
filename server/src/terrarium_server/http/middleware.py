"""For every request: its id, the headers of its response, and HEAD."""

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from terrarium_server import ids
from terrarium_server.rates import RateState
from terrarium_server.store import UNAVAILABLE

from .refusals import envelope

_log = logging.getLogger("terrarium_server.access")


class ResponseHeaders:
    """Adds a ``request-id`` to every response, and ``RateLimit-*`` if the request was counted.

    It is outside the application, so that the response to an unexpected error has them too.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

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
                # Otherwise the HTTP server names itself.
                headers.append((b"server", b"terrarium"))
                rate: RateState | None = state.get("rate")
                if rate is not None:
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


class HeadAsGet:
    """Answers HEAD as GET is answered, without the body.

    It is the outermost layer, so that no layer sends a body. Links to media answer HEAD themselves, because
    that saves reading the file.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD" or scope["path"].startswith("/media/"):
            await self._app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                # The response ends here, so that a GET that streams is told so and stops.
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        await self._app({**scope, "method": "GET"}, receive, send_without_body)
