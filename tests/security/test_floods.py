"""Clients that send without end, before any key: each is stopped, and the others are answered meanwhile."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import httpx
import psutil
import pytest

from support.server import DEADLINE, Server, StartServer

MB = 1_000_000
# What the server may need for one client: its buffers, and what Python has not freed yet.
GROWTH = 24 << 20
# What is sent before a client notices that its connection is closed: the buffers of both kernels.
UNNOTICED = 16 * MB

GET = b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n"
CHUNKED = (
    b"POST /api/v1/runs/generation HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    b"transfer-encoding: chunked\r\n"
)
LINES = b"x-a: " + b"b" * 993 + b"\r\n"


@pytest.fixture(scope="module")
def flooded(start_server: StartServer) -> Server:
    return start_server(workers=False)


@contextmanager
def connected(server: Server) -> Iterator[socket.socket]:
    url = httpx.URL(server.base_url)
    with closing(socket.create_connection((url.host, url.port), timeout=DEADLINE)) as connection:
        yield connection


@contextmanager
def observed(server: Server) -> Iterator[None]:
    """Another client's requests are answered meanwhile, and the server's memory grows by a bounded amount."""
    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    growth: list[int] = []
    statuses: set[int] = set()
    over = threading.Event()

    def observe() -> None:
        with httpx.Client(base_url=server.base_url, timeout=DEADLINE) as client:
            while True:
                was_over = over.is_set()
                statuses.add(client.get("/healthz").status_code)
                growth.append(process.memory_info().rss - before)
                if was_over:
                    return

    observer = threading.Thread(target=observe)
    observer.start()
    try:
        yield
    finally:
        over.set()
        observer.join()
    assert statuses == {200}
    assert max(growth) < GROWTH


def send_all(connection: socket.socket, parts: Iterator[bytes]) -> int:
    """Send until the server closes the connection; return the number of bytes that were sent."""
    sent = 0
    with suppress(ConnectionError):
        for part in parts:
            connection.sendall(part)
            sent += len(part)
    return sent


def status_of(connection: socket.socket) -> int:
    """Read the response until the server closes the connection; return its status."""
    received = b""
    with suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            received += piece
    return int(received.split(b" ", 2)[1])


def many(start: bytes, part: bytes, count: int, end: bytes = b"\r\n") -> Iterator[bytes]:
    yield start
    for _ in range(count):
        yield part
    yield end


@pytest.mark.parametrize(
    ("status", "start", "part", "count"),
    [
        pytest.param(431, GET, LINES, 64_000, id="64 MB of small headers"),
        pytest.param(431, GET + b"x-a: ", b"b" * MB, 70, id="a header of 70 MB"),
        pytest.param(431, b"GET /", b"b" * MB, 80, id="an address of 80 MB"),
        pytest.param(431, GET, b"x-a: b\r\n", 300, id="300 headers"),
        pytest.param(401, CHUNKED + b"\r\n2\r\n{}\r\n0\r\n", LINES, 40_000, id="40 MB of trailers, no key"),
    ],
)
def test_a_head_without_end_is_refused(
    flooded: Server, status: int, start: bytes, part: bytes, count: int
) -> None:
    with observed(flooded), connected(flooded) as connection:
        assert send_all(connection, many(start, part, count)) < UNNOTICED
        assert status_of(connection) == status


@pytest.mark.parametrize(
    ("start", "part", "count"),
    [
        pytest.param(b"\r\n2\r\n{}\r\n0\r\n", LINES, 40_000, id="40 MB of trailers"),
        pytest.param(b"\r\n2;", b"x" * MB, 40, id="a chunk extension of 40 MB"),
    ],
)
def test_the_framing_of_a_body_is_bounded_with_a_key_too(
    flooded: Server, start: bytes, part: bytes, count: int
) -> None:
    key = f"authorization: Bearer {flooded.first.api_key}\r\n".encode()
    with observed(flooded), connected(flooded) as connection:
        assert send_all(connection, many(CHUNKED + key + start, part, count)) < UNNOTICED
        assert status_of(connection) == 400


def test_a_head_below_the_limit_is_answered(flooded: Server) -> None:
    with httpx.Client(base_url=flooded.base_url) as client:
        assert client.get("/healthz", headers={"x-a": "b" * 60_000}).status_code == 200


def test_requests_that_nobody_reads_the_responses_of_are_not_taken(flooded: Server) -> None:
    requests = (GET + b"\r\n") * 10_000
    with observed(flooded), connected(flooded) as connection:
        # Its window is full as soon as the server waits for the client to read.
        connection.settimeout(2)
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < 64 * MB:
                sent += connection.send(requests)


def test_pipelined_requests_are_answered_in_turn(flooded: Server) -> None:
    with connected(flooded) as connection:
        connection.sendall((GET + b"\r\n") * 99 + GET + b"connection: close\r\n\r\n")
        received = b""
        while piece := connection.recv(65536):
            received += piece
        assert received.count(b"HTTP/1.1 200 OK\r\n") == 100


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"GET /healthz\r\n\r\n", id="no version"),
        pytest.param(b"GET /heal thz HTTP/1.1\r\nhost: a\r\n\r\n", id="a space in the address"),
        pytest.param(GET + b"no colon\r\n\r\n", id="a line that is no header"),
        pytest.param(CHUNKED.replace(b"chunked", b"gzip") + b"\r\n", id="an unknown transfer encoding"),
        pytest.param(GET + b"content-length: 1\r\ncontent-length: 2\r\n\r\n", id="two lengths"),
    ],
)
def test_what_is_no_http_is_refused(flooded: Server, head: bytes) -> None:
    with connected(flooded) as connection:
        connection.sendall(head)
        assert status_of(connection) == 400
