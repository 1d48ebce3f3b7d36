"""Connections are counted and end by themselves, so that no client keeps the others out."""

import resource
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest

from support.server import DEADLINE, Server, StartServer, running_server, terrarium

USUAL_LIMIT = 1024
GET = b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n"


def opened(stack: ExitStack, server: Server) -> socket.socket:
    url = httpx.URL(server.base_url)
    return stack.enter_context(closing(socket.create_connection((url.host, url.port), timeout=DEADLINE)))


def answer(connection: socket.socket, head: bytes = GET) -> bytes:
    connection.sendall(head + b"\r\n")
    return connection.recv(65536)


def waiting_for_a_run(server: Server) -> bytes:
    with server.client() as client:
        run_id = client.post("/generate", json=server.first.body()).raise_for_status().json()["run_id"]
    return (
        f"GET /api/v1/runs/{run_id} HTTP/1.1\r\nhost: 127.0.0.1\r\nprefer: wait=60\r\n"
        f"authorization: Bearer {server.first.api_key}\r\n"
    ).encode()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture(scope="module")
def small(start_server: StartServer) -> Server:
    """A server with few connections."""
    return start_server(workers=False, max_connections=5)


@pytest.fixture
def usual_limits() -> Iterator[int]:
    """The soft limit that most systems set, while the server starts; yields the hard one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, USUAL_LIMIT), hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_more_half_heads_than_the_usual_limit_of_descriptors_keep_nobody_out(
    tmp_path: Path, usual_limits: int, stack: ExitStack
) -> None:
    if 0 <= usual_limits < 4096:
        pytest.skip("the hard limit on descriptors of this machine is below 4,096")
    server = stack.enter_context(running_server(tmp_path, workers=False))
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(usual_limits, 4096), usual_limits))
    unused = opened(stack, server)
    assert answer(unused).startswith(b"HTTP/1.1 200 OK")
    half = [opened(stack, server) for _ in range(1100)]
    for connection in half:
        connection.sendall(GET)
    with server.client() as client:
        for _ in range(20):
            assert client.get("/workspaces").status_code == 200
    # The server closes each, because the rest of its head, or another request, does not come.
    for connection in (unused, *half):
        assert connection.recv(65536) == b""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the limits of another process")
def test_the_soft_limit_of_descriptors_is_raised(tmp_path: Path, usual_limits: int, stack: ExitStack) -> None:
    server = stack.enter_context(running_server(tmp_path, workers=False))
    soft, hard = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
    assert hard == usual_limits
    assert soft == (65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536))


def test_clients_above_the_limit_wait_and_the_others_go_on(small: Server, stack: ExitStack) -> None:
    connections = [opened(stack, small) for _ in range(5)]
    for connection in connections:
        assert answer(connection).startswith(b"HTTP/1.1 200 OK")
    further = opened(stack, small)
    further.sendall(GET + b"\r\n")
    for connection in connections:
        assert answer(connection).startswith(b"HTTP/1.1 200 OK")
    assert select.select([further], [], [], 0)[0] == []
    connections[0].close()
    assert further.recv(65536).startswith(b"HTTP/1.1 200 OK")


def test_a_client_that_leaves_while_it_waits_for_a_run_leaves_its_connection_to_another(
    small: Server, stack: ExitStack
) -> None:
    head = waiting_for_a_run(small)
    waiting = [opened(stack, small) for _ in range(5)]
    for connection in waiting:
        connection.sendall(head + b"\r\n")
    for connection in waiting:
        connection.close()
    another = opened(stack, small)
    # Much less than the 60 seconds for which the others wanted to wait.
    another.settimeout(DEADLINE / 2)
    assert answer(another).startswith(b"HTTP/1.1 200 OK")


def test_a_server_stops_although_clients_send_nothing_more(tmp_path: Path, stack: ExitStack) -> None:
    with running_server(tmp_path, workers=False, body_seconds=3600) as server:
        idle, half_a_head, half_a_body = (opened(stack, server) for _ in range(3))
        assert answer(idle).startswith(b"HTTP/1.1 200 OK")
        half_a_head.sendall(GET)
        half_a_body.sendall(
            b"POST /api/v1/runs/generation HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
            b"authorization: Bearer " + server.first.api_key.encode() + b"\r\ncontent-length: 9\r\n\r\n{"
        )
        server.stop()
        assert server.process.wait(DEADLINE / 2) == 0
        assert idle.recv(65536) == b""
        assert (tmp_path / "server.log").read_text() == ""


def test_two_servers_do_not_share_a_port(small: Server, tmp_path: Path) -> None:
    port = httpx.URL(small.base_url).port
    done = subprocess.run(
        [*terrarium("serve"), "--port", str(port), "--no-workers"],
        env={**small.environment, "TERRARIUM_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE,
    )
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
