"""A proxy in front of PostgreSQL that behaves like a pooler in transaction mode, or like a broken network.

A pooler such as PgBouncer in transaction mode accepts LISTEN and never delivers a notification.
"""

import enum
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from urllib.parse import urlsplit

# https://www.postgresql.org/docs/current/protocol-message-formats.html
_ENCRYPTION_REQUESTS = (80877103, 80877104)
_NOTIFICATION = b"A"


class Mode(enum.Enum):
    """What the proxy does with connections, those already open included."""

    PASS = "passes everything"
    SWALLOW = "passes everything but notifications"
    HANG = "holds everything back"
    REFUSE = "closes new connections"


class Pooler(ThreadingTCPServer):
    """The proxy; ``mode`` may be changed at any time, ``accepted`` counts connections."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, url: str) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        parts = urlsplit(url)
        assert parts.hostname is not None and parts.port is not None
        self.database = (parts.hostname, parts.port)
        self.url = url.replace(f":{parts.port}/", f":{self.server_address[1]}/")
        self.accepted = 0
        self.open: set[socket.socket] = set()
        self.flows = threading.Event()
        self.mode = Mode.PASS

    @property
    def mode(self) -> Mode:
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._mode = mode
        if mode is Mode.HANG:
            self.flows.clear()
        else:
            self.flows.set()

    def cut(self) -> None:
        """End all connections."""
        for connection in list(self.open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def pooler(url: str) -> Iterator[Pooler]:
    """Run a proxy in front of a PostgreSQL database for as long as the block lasts."""
    with Pooler(url) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.mode = Mode.REFUSE
            server.shutdown()
            server.cut()
            thread.join()


class _Session(BaseRequestHandler):
    """One client's connection, with one of its own to the database."""

    server: Pooler  # pyright: ignore[reportIncompatibleVariableOverride]
    request: socket.socket

    def handle(self) -> None:
        self.server.accepted += 1
        if self.server.mode is Mode.REFUSE:
            return
        with suppress(OSError), socket.create_connection(self.server.database) as database:
            self.server.open |= {self.request, database}
            try:
                database.sendall(self._startup())
                threading.Thread(target=self._pass_requests, args=[database], daemon=True).start()
                self._pass_answers(database)
            finally:
                self.server.open -= {self.request, database}
                self.request.shutdown(socket.SHUT_RDWR)

    def _startup(self) -> bytes:
        """Return the first message after requests for encryption, which are declined."""
        while True:
            length = _exactly(self.request, 4)
            body = _exactly(self.request, int.from_bytes(length) - 4)
            if int.from_bytes(body[:4]) not in _ENCRYPTION_REQUESTS:
                return length + body
            self.request.sendall(b"N")

    def _pass_requests(self, database: socket.socket) -> None:
        with suppress(OSError):
            while data := self.request.recv(65_536):
                self.server.flows.wait()
                database.sendall(data)
            database.shutdown(socket.SHUT_RDWR)

    def _pass_answers(self, database: socket.socket) -> None:
        while True:
            head = _exactly(database, 5)
            body = _exactly(database, int.from_bytes(head[1:]) - 4)
            self.server.flows.wait()
            if head[:1] != _NOTIFICATION or self.server.mode is not Mode.SWALLOW:
                self.request.sendall(head + body)


def _exactly(connection: socket.socket, size: int) -> bytes:
    """Read so many bytes. Raises ConnectionError at the end of the stream."""
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise ConnectionError
        data += piece
    return bytes(data)
