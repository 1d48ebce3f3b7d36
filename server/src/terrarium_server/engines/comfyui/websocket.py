"""A prompt's websocket: its progress and its preview.

ComfyUI sends a prompt's news to the client that the prompt names. Each prompt has a client of its own, named
like the prompt, so any process that knows the prompt can follow it, also after a restart.
"""

import asyncio
import json
import struct
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from ssl import create_default_context
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlsplit, urlunsplit

from terrarium_server.engines import Output, Progress

# Importing websockets takes a while, and most servers have no ComfyUI.
if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

_OPEN_SECONDS = 5.0
_CLOSE_SECONDS = 0.2
_LARGEST = 32 << 20
_PREVIEW, _PREVIEW_WITH_METADATA = 1, 4
_PICTURES = {1: "image/jpeg", 2: "image/png"}


class PromptSocket:
    """The news of one prompt so far.

    ``nodes`` is how many its workflow has, 0 if that is not known. ``is_open`` says that more news may
    arrive, ``is_over`` that the prompt has ended.
    """

    def __init__(self, prompt: str, socket: "ClientConnection | None") -> None:
        """Receive nothing yet; ``socket`` is None if the websocket could not be opened."""
        self.nodes = 0
        self.is_open = socket is not None
        self.is_over = False
        self._prompt = prompt
        self._socket = socket
        self._fraction = 0.0
        self._preview: Output | None = None
        self._done: set[str] = set()
        self._node: str | None = None

    @property
    def progress(self) -> Progress:
        """The prompt's progress, with the latest preview."""
        return Progress(self._fraction, self._preview)

    async def wait(self, seconds: float) -> bool:
        """Receive news for at most so long, until progress or preview change; return whether they did."""
        from websockets.exceptions import WebSocketException

        if self._socket is None:
            return False
        before = (self._fraction, self._preview)
        try:
            async with asyncio.timeout(seconds):
                while not self.is_over and before == (self._fraction, self._preview):
                    message = await self._socket.recv()
                    if isinstance(message, str):
                        self._receive_event(message)
                    else:
                        self._receive_preview(message)
        except TimeoutError:
            return False
        except (OSError, WebSocketException):
            self.is_open = False
        return before != (self._fraction, self._preview)

    def _receive_event(self, message: str) -> None:
        try:
            news: Any = json.loads(message)
            event, data = news["type"], cast(dict[str, Any], news["data"])
            if data.get("prompt_id", self._prompt) != self._prompt:
                return
            self._handle(event, data)
        except (ValueError, TypeError, KeyError, AttributeError):
            pass  # Extensions may send anything; polling reports how the prompt ended.

    def _handle(self, event: str, data: Mapping[str, Any]) -> None:
        match event:
            case "execution_cached":
                self._done |= set(data["nodes"])
                self._advance(0.0)
            case "executing" if data.get("node") is None and data.get("prompt_id"):
                # The very last message: the history has the prompt by now.
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
                # All nodes that were begun, also before this websocket was opened.
                nodes = cast(Mapping[str, Mapping[str, Any]], data["nodes"])
                self._done |= {node for node, state in nodes.items() if state.get("state") == "finished"}
            case "progress":
                self._advance(float(data["value"]) / max(float(data["max"]), 1.0))
            case "execution_success":
                self._fraction = max(self._fraction, 0.99)
            case _:
                pass

    def _advance(self, within: float) -> None:
        """Count the nodes that are done, and the part of the running one."""
        done = len(self._done - {self._node} if within else self._done)
        total = max(self.nodes, done) if self.nodes else done + 1
        self._fraction = max(self._fraction, min((done + within) / total, 0.99))

    def _receive_preview(self, message: bytes) -> None:
        try:
            (event,) = struct.unpack_from(">I", message)
            if event == _PREVIEW:
                (picture,) = struct.unpack_from(">I", message, 4)
                self._preview = Output(_PICTURES[picture], message[8:])
            elif event == _PREVIEW_WITH_METADATA:
                (length,) = struct.unpack_from(">I", message, 4)
                metadata = json.loads(message[8 : 8 + length])
                self._preview = Output(str(metadata["image_type"]), message[8 + length :])
        except (struct.error, ValueError, KeyError, TypeError):
            pass


@asynccontextmanager
async def open_socket(
    url: str, client: str, prompt: str, *, headers: Mapping[str, str], proxy: str | None
) -> AsyncGenerator[PromptSocket]:
    """Receive a prompt's news, as this client, for as long as the block lasts.

    The socket is not open if no websocket can be opened.
    """
    await asyncio.to_thread(import_module, "websockets.asyncio.client")
    from websockets.asyncio.client import connect
    from websockets.exceptions import WebSocketException

    parts = urlsplit(url)
    is_secure = parts.scheme == "https"
    path, query = f"{parts.path.rstrip('/')}/ws", f"clientId={quote(client)}"
    async with AsyncExitStack() as stack:
        try:
            connecting = connect(
                urlunsplit(("wss" if is_secure else "ws", parts.netloc, path, query, "")),
                additional_headers=dict(headers),
                compression=None,
                proxy=proxy,
                open_timeout=_OPEN_SECONDS,
                close_timeout=_CLOSE_SECONDS,
                max_size=_LARGEST,
                ssl=await asyncio.to_thread(create_default_context) if is_secure else None,
            )
            socket = await stack.enter_async_context(connecting)
        except (OSError, WebSocketException):
            socket = None
        yield PromptSocket(prompt, socket)
