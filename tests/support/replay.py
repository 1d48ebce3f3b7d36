"""Plays recorded HTTP conversations with providers back from a real server.

A conversation is a JSON file: ``{"about": "where it is from", "turns": [{"request": …, "response": …}]}``.

- A request has ``method`` and ``path`` with its query, and optionally ``headers`` and ``body``, of which only
  the listed fields are compared. ``contains`` lists texts that a body must contain, and ``lacks`` names of
  fields that a JSON body must not have.
- A response has ``status`` (default 200), ``headers``, and one of ``body`` (JSON or text), ``base64`` (bytes)
  and ``events`` (server-sent events, each JSON or text). ``{url}`` in it becomes the server's address. With
  ``socket`` it is a websocket with these messages: JSON, or ``{"base64": …}`` for bytes.
- ``times`` is how often the turn is repeated (default 1).

Requests must come in the order of the turns. Any other request is answered with 599 and fails the test.
"""

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.loopback import Loopback, Reply, Request, loopback
from support.sockets import websocket


@contextmanager
def replay(conversation: Path | Mapping[str, Any]) -> Iterator[Loopback]:
    """Start a server for a conversation. Fails if the requests differ from it, or some are missing."""
    is_file = isinstance(conversation, Path)
    recording = json.loads(conversation.read_text("utf-8")) if is_file else conversation
    player = _Player([turn for turn in recording["turns"] for _ in range(turn.get("times", 1))])
    with loopback(player.answer) as server:
        player.url = server.url
        yield server
    assert not player.errors, "\n".join(player.errors)
    missing = [f"{turn['request']['method']} {turn['request']['path']}" for turn in player.turns]
    assert not missing, f"missing requests: {missing}"


class _Player:
    def __init__(self, turns: list[Any]) -> None:
        self.turns = turns
        self.errors: list[str] = []
        self.url = ""
        self._lock = threading.Lock()

    def answer(self, request: Request) -> Reply:
        with self._lock:
            differences = (
                list(_differences(self.turns[0]["request"], request)) if self.turns else ["nothing expected"]
            )
            if differences:
                self.errors.append(f"{request.method} {request.path}: {'; '.join(differences)}")
                return Reply({"error": self.errors[-1]}, 599)
            return self._reply(self.turns.pop(0)["response"])

    def _reply(self, response: Mapping[str, Any]) -> Reply:
        response = json.loads(json.dumps(response).replace("{url}", self.url))
        if "socket" in response:
            return Reply(upgrade=websocket([_message(message) for message in response["socket"]]))
        headers: dict[str, str] = response.get("headers", {})
        body = response.get("body", b"")
        if "base64" in response:
            body = base64.b64decode(response["base64"])
        elif "events" in response:
            headers = {"Content-Type": "text/event-stream", **headers}
            texts = (item if isinstance(item, str) else json.dumps(item) for item in response["events"])
            body = tuple(f"data: {text}\n\n".encode() for text in texts)
        return Reply(body, response.get("status", 200), headers)


def _message(message: dict[str, Any]) -> str | bytes:
    return base64.b64decode(message["base64"]) if "base64" in message else json.dumps(message)


def _differences(expected: Mapping[str, Any], request: Request) -> Iterator[str]:
    path = f"{request.path}?{request.query}" if request.query else request.path
    if (expected["method"], expected["path"]) != (request.method, path):
        yield f"expected {expected['method']} {expected['path']}, not {path}"
        return
    for name, value in expected.get("headers", {}).items():
        if request.headers.get(name.lower()) != value:
            yield f"header {name}: {request.headers.get(name.lower())!r}"
    if "body" in expected:
        yield from _body_differences(expected["body"], request.json(), "body")
    for text in expected.get("contains", ()):
        if text.encode() not in request.body:
            yield f"the body lacks {text!r}"
    for name in expected.get("lacks", ()):
        if name in (request.json() or {}):
            yield f"the body has {name!r}"


def _body_differences(expected: Any, actual: Any, path: str) -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(actual, dict):
        for name, value in expected.items():
            if name in actual:
                yield from _body_differences(value, actual[name], f"{path}.{name}")
            else:
                yield f"{path}.{name} is missing"
    elif expected != actual:
        yield f"{path}: expected {expected!r}, got {actual!r}"
