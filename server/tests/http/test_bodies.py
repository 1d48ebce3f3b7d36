"""Bodies are bounded in bytes and time, and what is refused before its end does not keep a connection."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

import httpx
import pytest

from support.envelope import assert_refused
from support.server import Server, StartServer

LIMIT = 1 << 20


@dataclass(frozen=True)
class Connection:
    """A connection to a server on which requests are sent byte by byte."""

    socket: socket.socket
    server: Server

    def head(self, path: str, *lines: str, method: str = "POST", key: str | None = None) -> None:
        """Send the head of a request below /api/v1."""
        lines = (
            f"{method} /api/v1{path} HTTP/1.1",
            "Host: localhost",
            f"Authorization: Bearer {key or self.server.first.api_key}",
            "Content-Type: application/json",
            *lines,
        )
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n")

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self) -> httpx.Response:
        """Read one answer; it has a declared length."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._piece()
        head, _, body = data.partition(b"\r\n\r\n")
        status_line, *lines = head.decode().split("\r\n")
        headers = httpx.Headers([tuple(line.split(": ", 1)) for line in lines])  # type: ignore[misc]
        while len(body) < int(headers.get("content-length", 0)):
            body += self._piece()
        return httpx.Response(int(status_line.split(" ")[1]), headers=headers, content=body)

    def is_closed(self) -> bool:
        """Whether the server closes the connection: waits for it, and for nothing else."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def _piece(self) -> bytes:
        piece = self.socket.recv(65536)
        assert piece, "the connection was closed before the answer"
        return piece


@contextmanager
def connect(server: Server) -> Iterator[Connection]:
    url = httpx.URL(server.base_url)
    with closing(socket.create_connection((url.host, url.port), timeout=30)) as connected:
        yield Connection(connected, server)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def estimate(server: Server) -> bytes:
    return json.dumps(server.first.body(model="t2t-rehearsal")).encode()


@pytest.fixture(scope="module")
def hurried(start_server: StartServer) -> Server:
    """A server that waits only a moment for bodies."""
    return start_server(body_seconds=0.5, max_body_bytes=4096)


@pytest.mark.parametrize("framing", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
def test_a_body_that_does_not_arrive_in_time_is_refused(hurried: Server, framing: str) -> None:
    with connect(hurried) as connection:
        connection.head("/generate", framing)
        connection.send(chunk(b"{") if "chunked" in framing else b"{")
        answer = connection.answer()
        message = assert_refused(answer, 408, "input_validation_error")["message"]
        assert message == "The body did not arrive within 0.5 seconds."
        assert answer.headers["connection"] == "close"


def test_a_body_that_drips_is_refused(hurried: Server) -> None:
    with connect(hurried) as connection:
        connection.head("/generate", "Content-Length: 4000")
        # Each byte comes in time, the whole does not; the answer comes while bytes are still sent.
        connection.socket.settimeout(0.05)
        for _ in range(4000):
            connection.send(b" ")
            try:
                connection.socket.recv(1, socket.MSG_PEEK)
            except TimeoutError:
                continue
            break
        connection.socket.settimeout(30)
        assert_refused(connection.answer(), 408, "input_validation_error")


def test_a_chunked_body_that_is_too_large_is_refused_before_its_end(hurried: Server) -> None:
    with connect(hurried) as connection:
        connection.head("/generate", "Transfer-Encoding: chunked")
        for _ in range(5):
            connection.send(chunk(b" " * 1024))
        answer = connection.answer()
        assert_refused(answer, 413, "input_validation_error")
        assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("declared", [LIMIT + 1, 10**14, 10**18])
def test_a_body_that_is_declared_too_large_is_not_awaited(server: Server, declared: int) -> None:
    with connect(server) as connection:
        connection.head("/generate", f"Content-Length: {declared}")
        answer = connection.answer()
        assert_refused(answer, 413, "input_validation_error")
        assert answer.headers["connection"] == "close"


def test_a_client_that_sends_on_gets_the_refusal(server: Server) -> None:
    with connect(server) as connection:
        connection.head("/generate", f"Content-Length: {4 * LIMIT}")
        connection.send(b" " * 4 * LIMIT)
        assert_refused(connection.answer(), 413, "input_validation_error")


def test_a_client_that_asks_first_is_refused_without_sending(server: Server) -> None:
    for path, key in (("/none", None), ("/generate", "sk_live_unknown"), ("/projects", "sk_live_unknown")):
        with connect(server) as connection:
            connection.head(path, "Content-Length: 1000", "Expect: 100-continue", key=key)
            answer = connection.answer()
            assert answer.status_code == (401 if key else 404)
            assert answer.headers["connection"] == "close"


def test_a_client_that_asks_first_may_send(server: Server) -> None:
    body = estimate(server)
    with connect(server) as connection:
        connection.head("/runs/estimate", f"Content-Length: {len(body)}", "Expect: 100-continue")
        assert connection.answer().status_code == 100
        connection.send(body)
        assert connection.answer().status_code == 200


def test_an_answer_before_the_end_of_the_body_closes_the_connection(server: Server) -> None:
    requests = [
        ("POST", "/none", None, 404),
        ("POST", "/models", None, 405),
        ("GET", "/models", None, 200),
        ("POST", "/generate", "sk_live_unknown", 401),
        ("POST", "/projects", "sk_live_unknown", 401),
        ("GET", "/models", "sk_live_unknown", 401),
    ]
    with ExitStack() as stack:
        connections = [stack.enter_context(connect(server)) for _ in requests]
        for connection, (method, path, key, _) in zip(connections, requests, strict=True):
            connection.head(path, "Content-Length: 1000", method=method, key=key)
            connection.send(b"{")
        for connection, (*_, status) in zip(connections, requests, strict=True):
            answer = connection.answer()
            assert answer.status_code == status
            assert answer.headers["connection"] == "close"
        assert all(connection.is_closed() for connection in connections)


@pytest.mark.parametrize(
    "framing", ["Content-Length: 2\r\n\r\n{}", "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"]
)
@pytest.mark.parametrize(
    ("method", "path", "key", "status"),
    [
        ("POST", "/none", None, 404),
        ("POST", "/models", None, 405),
        ("GET", "/models", None, 200),
        ("POST", "/generate", None, 400),
        ("POST", "/generate", "sk_live_unknown", 401),
        ("POST", "/runs/run_x/cancel", None, 404),
    ],
)
def test_a_body_that_has_arrived_keeps_the_connection(
    server: Server, method: str, path: str, key: str | None, status: int, framing: str
) -> None:
    with connect(server) as connection:
        for _ in range(3):
            lines, _, body = framing.partition("\r\n\r\n")
            head = (
                f"{method} /api/v1{path} HTTP/1.1\r\nHost: localhost\r\n"
                f"Authorization: Bearer {key or server.first.api_key}\r\n"
                f"Content-Type: application/json\r\n{lines}\r\n\r\n"
            )
            connection.send((head + body).encode())
            answer = connection.answer()
            assert answer.status_code == status
            assert "connection" not in answer.headers


@pytest.mark.parametrize("lines", [(), ("Content-Length: 0",)])
def test_a_request_without_a_body_keeps_the_connection(server: Server, lines: tuple[str, ...]) -> None:
    with connect(server) as connection:
        for _ in range(3):
            connection.head("/runs/run_x/cancel", *lines)
            answer = connection.answer()
            assert answer.status_code == 404
            assert "connection" not in answer.headers


def test_a_body_in_pieces_is_read_whole(server: Server) -> None:
    body = estimate(server)
    with connect(server) as connection:
        for _ in range(2):
            connection.head("/runs/estimate", "Transfer-Encoding: chunked")
            for start in range(0, len(body), 7):
                connection.send(chunk(body[start : start + 7]))
            connection.send(chunk(b""))
            assert connection.answer().status_code == 200


def test_a_body_in_very_many_pieces_is_refused(server: Server) -> None:
    with connect(server) as connection:
        connection.head("/runs/estimate", "Transfer-Encoding: chunked")
        connection.send(chunk(b" ") * 20_000)
        message = assert_refused(connection.answer(), 413, "input_validation_error")["message"]
        assert message == "The body arrived in more than 10,000 pieces."


def test_a_client_that_leaves_in_the_middle_of_a_body_disturbs_nobody(server: Server) -> None:
    for _ in range(20):
        with connect(server) as connection:
            connection.head("/generate", "Content-Length: 1000")
            connection.send(b"{")
    with server.client() as client:
        assert client.get("/workspaces").status_code == 200
