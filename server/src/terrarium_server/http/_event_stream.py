"""The format of server-sent events, and the response that streams them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from terrarium_server import wire
from terrarium_server.events import Encoding, Event
from terrarium_server.runs import ShownProgress

from . import present
from ._disconnection import client_left

# A client that lost its connection waits so long before it opens another.
_RETRY_MS = 1000
KEEP_ALIVE = b": keep-alive\n\n"


def _block(type: str, data: wire.Wire, number: int | None = None) -> bytes:
    # Without an id, the client keeps that of the event before.
    id = f"id: {number}\n" if number is not None else ""
    return f"{id}event: {type}\ndata: {data.model_dump_json()}\n\n".encode()


def opening(type: str, number: int | None) -> bytes:
    """Return how a stream begins: the client's position, and how long to wait before reconnecting."""
    return f"retry: {_RETRY_MS}\n".encode() + _block(type, wire.EventPosition(number=number), number)


def _event(event: Event) -> bytes:
    data = wire.Event.model_validate(
        {
            # A newer version may record more.
            **{name: value for name, value in event.data.items() if name in wire.Event.model_fields},
            "number": event.number,
            "type": event.type,
            "run_id": event.run_id,
            "root_run_id": event.root_run_id,
            "project_id": event.stream if event.stream != event.root_run_id else None,
            "actor": event.actor,
            "created_at": event.created_at,
        }
    )
    return _block(event.type, data, event.number)


def _progress(shown: ShownProgress) -> bytes:
    data = wire.RunProgressed(
        run_id=shown.run_id,
        root_run_id=shown.root_run_id,
        progress=shown.percent,
        preview=present.preview(shown.preview) if shown.preview else None,
    )
    return _block("run.progress", data)


SERVER_SENT = Encoding(_event, _progress)


class EventStream(Response):
    """A response that sends pieces of text until there are no more or the client has gone away.

    It takes the next piece when the server has taken the one before, so a client that does not read delays
    the pieces instead of having them collected for it.
    """

    media_type = "text/event-stream"

    def __init__(self, pieces: AsyncGenerator[bytes]) -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response."""
        sending = asyncio.create_task(self._send(send))
        leaving = asyncio.create_task(client_left(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            sending.cancel()
            leaving.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async with aclosing(self._pieces) as pieces:
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
