"""An HTTP server on this machine with scripted replies."""

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Request:
    """One request; ``headers`` by their names in lower case, ``port`` tells connections apart."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    port: int = 0

    def json(self) -> Any:
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True)
class Reply:
    """One answer: a dict or list goes out as JSON, a sequence of bytes piece by piece, ``pause`` s apart.

    ``drops``: the connection is closed before the body, or after its last piece and before its end.
    ``hangs``: there is no answer. ``upgrade`` takes the connection over, as a websocket does.
    """

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    pause: float = 0.0
    drops: bool = False
    hangs: bool = False
    upgrade: Callable[[Request, socket.socket], None] | None = None


class Loopback(ThreadingHTTPServer):
    """Answers with ``answer``; ``requests`` are those it got, ``ended`` is set when it closes."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, answer: Callable[[Request], Reply]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.requests: list[Request] = []
        self.ended = threading.Event()
        self.client_closed = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Set `client_closed`: a client that closes its connection is no error."""
        self.client_closed.set()


@contextmanager
def loopback(answer: Callable[[Request], Reply]) -> Iterator[Loopback]:
    """Open a server for as long as the block lasts."""
    server = Loopback(answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Loopback  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        port = self.client_address[1]
        request = Request(self.command, parts.path, parts.query, headers, body, port)
        self.server.requests.append(request)
        reply = self.server.answer(request)
        if reply.upgrade is not None:
            reply.upgrade(request, self.connection)
        elif reply.hangs:
            self._wait_for_the_end()
        elif isinstance(reply.body, Sequence) and not isinstance(reply.body, str | bytes | list):
            self._send_pieces(reply)
        elif not reply.drops:
            self._send(reply)
        if reply.drops or reply.hangs or reply.upgrade is not None:
            self.close_connection = True
            with suppress(OSError):  # the client may have closed it first
                self.connection.shutdown(socket.SHUT_RDWR)

    do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _wait_for_the_end(self) -> None:
        self.connection.settimeout(0.05)
        while not self.server.ended.is_set():
            try:
                if not self.connection.recv(1):
                    self.server.client_closed.set()
                    return
            except TimeoutError:
                pass

    def _send(self, reply: Reply) -> None:
        body, headers = reply.body, dict(reply.headers)
        if isinstance(body, dict | list):
            headers = {"Content-Type": "application/json", **headers}
            body = json.dumps(body)
        data = body.encode() if isinstance(body, str) else body
        self._head(reply.status, {**headers, "Content-Length": str(len(data))})
        self.wfile.write(data)

    def _send_pieces(self, reply: Reply) -> None:
        self._head(reply.status, {**reply.headers, "Transfer-Encoding": "chunked"})
        for piece in reply.body:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()
            if self.server.ended.wait(reply.pause):
                return
        if not reply.drops:
            self.wfile.write(b"0\r\n\r\n")

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
