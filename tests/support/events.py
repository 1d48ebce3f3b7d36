"""Clients of server-sent events: of an application in this process, and over the network."""

import json
import queue
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import anyio
import httpx

from support.application import Application
from support.server import DEADLINE


@dataclass(frozen=True)
class Sent:
    """One event as a client receives it."""

    type: str
    id: int | None
    data: dict[str, Any]


def parsed(lines: Iterable[str]) -> Iterator[Sent]:
    """Yield the events in the lines of a stream; comments and other fields are skipped."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if line:
            fields[name] = value
        elif "data" in fields:
            id = int(fields["id"]) if "id" in fields else None
            yield Sent(fields["event"], id, json.loads(fields["data"]))
            fields = {}


class EventSource:
    """A request to an application in this process, whose answer is read while it goes on."""

    def __init__(self, application: Application, api_key: str, path: str, **headers: str) -> None:
        """Send a GET of a path below /api/v1."""
        path, _, query = f"/api/v1{path}".partition("?")
        fields = {"host": "terrarium.test", "authorization": f"Bearer {api_key}", **headers}
        self._scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in fields.items()],
            "client": ("127.0.0.1", 50_000),
            "server": ("terrarium.test", 80),
            "state": {},
        }
        self._app = application.app
        self._received: queue.Queue[dict[str, Any] | None] = queue.Queue()
        portal = application.anonymous.portal
        assert portal is not None
        self._portal = portal
        self._left = portal.call(anyio.Event)
        self._exchange = portal.start_task_soon(self._run)
        start = self._next()
        assert start is not None
        self.status: int = start["status"]
        self.headers = httpx.Headers(start["headers"])
        self.events = parsed(self._lines())

    def next(self) -> Sent:
        """Wait for the next event."""
        return next(self.events)

    def rest(self) -> list[Sent]:
        """Wait until the server ends the stream; return the events until then."""
        return list(self.events)

    def text(self) -> str:
        """Wait for the next piece of text, comments included."""
        message = self._next()
        return message["body"].decode() if message is not None else ""

    def leave(self) -> None:
        """Close the connection, and wait until the server has noticed."""
        self._portal.call(self._left.set)
        self._exchange.result(DEADLINE)

    def _lines(self) -> Iterator[str]:
        while (message := self._next()) is not None:
            yield from message["body"].decode().split("\n")[:-1]

    def _next(self) -> dict[str, Any] | None:
        return self._received.get(timeout=DEADLINE)

    async def _run(self) -> None:
        sent_request = False

        async def receive() -> dict[str, Any]:
            nonlocal sent_request
            if not sent_request:
                sent_request = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await self._left.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            self._received.put(message)

        try:
            await self._app(self._scope, receive, send)
        finally:
            self._received.put(None)
