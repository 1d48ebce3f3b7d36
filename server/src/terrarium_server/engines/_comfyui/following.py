"""A prompt's websocket: how far it is, and what it looks like so far.

ComfyUI sends a prompt's news to the client that the prompt names, so each prompt is a client of its own,
with its own id for a name: whoever knows the prompt can follow it, also after a restart.
"""

import json
import struct
import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, cast
from urllib.parse import quote, urlsplit, urlunsplit

from .._contract import Output

_OPEN_SECONDS = 5.0
_LARGEST = 32 << 20
_PREVIEW, _PREVIEW_WITH_METADATA = 1, 4
_PICTURES = {1: "image/jpeg", 2: "image/png"}


class Following:
    """The news of one prompt. ``nodes`` is how many its workflow has, 0 if that is not known."""

    def __init__(
        self, url: str, client: str, *, nodes: int, headers: Mapping[str, str], proxy: str | None
    ) -> None:
        """Connect as this client. Raises OSError if that cannot be done."""
        from websockets.exceptions import WebSocketException
        from websockets.sync.client import connect

        parts = urlsplit(url)
        path = f"{parts.path.rstrip('/')}/ws"
        scheme = "wss" if parts.scheme == "https" else "ws"
        address = urlunsplit((scheme, parts.netloc, path, f"clientId={quote(client)}", ""))
        self._open = ExitStack()
        try:
            self._socket = self._open.enter_context(
                connect(
                    address,
                    additional_headers=dict(headers),
                    compression=None,
                    proxy=proxy,
                    open_timeout=_OPEN_SECONDS,
                    close_timeout=0.2,
                    max_size=_LARGEST,
                )
            )
        except WebSocketException as error:
            raise OSError(f"no websocket: {error}") from error
        self.prompt = client
        self.nodes = nodes
        self.progress = 0.0
        self.preview: Output | None = None
        self.is_over = False
        self.is_alive = True
        self._done: set[str] = set()
        self._node: str | None = None

    def wait(self, seconds: float) -> bool:
        """Take news for at most so long, until there is something to show; whether there is."""
        from websockets.exceptions import WebSocketException

        until = time.monotonic() + seconds
        while self.is_alive and not self.is_over:
            try:
                message = self._socket.recv(timeout=max(0.0, until - time.monotonic()))
            except TimeoutError:
                return False
            except (WebSocketException, OSError):
                self.is_alive = False
                return False
            shown = (self.progress, self.preview)
            if isinstance(message, str):
                self._hear(message)
            else:
                self._see(message)
            if shown != (self.progress, self.preview):
                return True
        return self.is_over

    def close(self) -> None:
        """Hang up."""
        self.is_alive = False
        self._open.close()

    def _hear(self, message: str) -> None:
        try:
            news: Any = json.loads(message)
            event, data = news["type"], cast(dict[str, Any], news["data"])
            if data.get("prompt_id", self.prompt) != self.prompt:
                return
            self._take(event, data)
        except (ValueError, TypeError, KeyError, AttributeError):
            pass  # Extensions send what they like; what matters is asked for in the end.

    def _take(self, event: str, data: Mapping[str, Any]) -> None:
        match event:
            case "execution_cached":
                self._done |= set(data["nodes"])
                self._advance(0.0)
            case "executing" if data.get("node") is None and data.get("prompt_id"):
                # The very last message: by now the history has what became of the prompt.
                self.is_over = True
            case "executing":
                if self._node is not None:
                    self._done.add(self._node)
                self._node = str(data["node"])
                self._advance(0.0)
            case "executed":
                self._done.add(str(data["node"]))
                self._advance(0.0)
            case "progress_state":
                # All nodes that were begun: whoever comes in later learns what was done before.
                nodes = cast(Mapping[str, Mapping[str, Any]], data["nodes"])
                self._done |= {node for node, said in nodes.items() if said.get("state") == "finished"}
            case "progress":
                self._advance(float(data["value"]) / max(float(data["max"]), 1.0))
            case "execution_success":
                self.progress = max(self.progress, 0.99)
            case _:
                pass

    def _advance(self, within: float) -> None:
        """Count the nodes that are done, and the part of the one at work."""
        done = len(self._done - {self._node} if within else self._done)
        total = max(self.nodes, done) if self.nodes else done + 1
        self.progress = max(self.progress, min((done + within) / total, 0.99))

    def _see(self, message: bytes) -> None:
        try:
            (event,) = struct.unpack_from(">I", message)
            if event == _PREVIEW:
                (picture,) = struct.unpack_from(">I", message, 4)
                self.preview = Output(_PICTURES[picture], message[8:])
            elif event == _PREVIEW_WITH_METADATA:
                (length,) = struct.unpack_from(">I", message, 4)
                said = json.loads(message[8 : 8 + length])
                self.preview = Output(str(said["image_type"]), message[8 + length :])
        except (struct.error, ValueError, KeyError, TypeError):
            pass
