"""Recorded conversations with providers, played back by a real HTTP server.

A conversation is a JSON file: ``{"about": "where it is from", "turns": [{"request": …, "response": …}]}``.

- A request has ``method`` and ``path`` (with its query, if it has one), and as much as matters of ``headers``
  and ``body`` (objects may hold more, all else must be equal); ``contains`` lists texts that a body that is
  not JSON must have, ``lacks`` names of fields that must not be there.
- A response has ``status`` (200 if left out), ``headers``, and ``body`` (JSON or text), ``base64`` (bytes) or
  ``events`` (server-sent: one ``data:`` for each, JSON or text). ``{url}`` in it is this server's address.
  ``socket`` is a websocket instead, with all it says: JSON, or ``{"base64": …}`` for bytes.
- ``times``: how often the same is asked and answered (1 if left out).

Turns are asked in their order; anything else is answered with 599 and fails the test at the end.
"""

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.loopback import Asked, Loopback, Reply, loopback
from support.sockets import websocket


@contextmanager
def replay(conversation: Path | Mapping[str, Any]) -> Iterator[Loopback]:
    """Play the server's part. Fails if it was asked anything else, or not everything."""
    told = json.loads(conversation.read_text("utf-8")) if isinstance(conversation, Path) else conversation
    part = _Part([turn for turn in told["turns"] for _ in range(turn.get("times", 1))])
    with loopback(part.answer) as server:
        part.url = server.url
        yield server
    assert not part.complaints, "\n".join(part.complaints)
    left = [f"{turn['request']['method']} {turn['request']['path']}" for turn in part.turns]
    assert not left, f"never asked: {left}"


class _Part:
    def __init__(self, turns: list[Any]) -> None:
        self.turns = turns
        self.complaints: list[str] = []
        self.url = ""
        self._lock = threading.Lock()

    def answer(self, asked: Asked) -> Reply:
        with self._lock:
            wrong = (
                list(_differences(self.turns[0]["request"], asked)) if self.turns else ["nothing expected"]
            )
            if wrong:
                self.complaints.append(f"{asked.method} {asked.path}: {'; '.join(wrong)}")
                return Reply({"error": self.complaints[-1]}, 599)
            return self._reply(self.turns.pop(0)["response"])

    def _reply(self, response: Mapping[str, Any]) -> Reply:
        response = json.loads(json.dumps(response).replace("{url}", self.url))
        if "socket" in response:
            return Reply(upgrade=websocket([_said(message) for message in response["socket"]]))
        headers: dict[str, str] = response.get("headers", {})
        body = response.get("body", b"")
        if "base64" in response:
            body = base64.b64decode(response["base64"])
        elif "events" in response:
            headers = {"Content-Type": "text/event-stream", **headers}
            texts = (item if isinstance(item, str) else json.dumps(item) for item in response["events"])
            body = tuple(f"data: {text}\n\n".encode() for text in texts)
        return Reply(body, response.get("status", 200), headers)


def _said(message: dict[str, Any]) -> str | bytes:
    return base64.b64decode(message["base64"]) if "base64" in message else json.dumps(message)


def _differences(request: Mapping[str, Any], asked: Asked) -> Iterator[str]:
    whole = f"{asked.path}?{asked.query}" if asked.query else asked.path
    if (request["method"], request["path"]) != (asked.method, whole):
        yield f"expected {request['method']} {request['path']}, not {whole}"
        return
    for name, value in request.get("headers", {}).items():
        if asked.headers.get(name.lower()) != value:
            yield f"header {name}: {asked.headers.get(name.lower())!r}"
    if "body" in request:
        yield from _unlike(request["body"], asked.json(), "body")
    for text in request.get("contains", ()):
        if text.encode() not in asked.body:
            yield f"the body lacks {text!r}"
    for name in request.get("lacks", ()):
        if name in (asked.json() or {}):
            yield f"the body has {name!r}"


def _unlike(expected: Any, found: Any, where: str) -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(found, dict):
        for name, value in expected.items():
            if name in found:
                yield from _unlike(value, found[name], f"{where}.{name}")
            else:
                yield f"{where}.{name} is missing"
    elif expected != found:
        yield f"{where}: expected {expected!r}, found {found!r}"
