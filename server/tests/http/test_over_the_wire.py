"""Tests that need a real connection: endless chunks, and links with the address the client used."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing

import httpx

from support.envelope import assert_refused
from support.server import Account, Server, StartServer, finished


def endless(size: int) -> Iterator[bytes]:
    yield b'{"prompt": "'
    for _ in range(size // 1024):
        yield b"x" * 1024


def test_a_chunked_body_that_is_too_large_is_refused(server: Server) -> None:
    with server.client() as client:
        headers = {"content-type": "application/json"}
        # A few bytes more than the limit: a refusal does not wait for the rest of a longer one.
        answer = client.post("/generate", content=endless(1 << 20), headers=headers)
    assert_refused(answer, 413, "input_validation_error")


def test_a_body_declared_too_large_is_refused_before_it_is_sent(server: Server) -> None:
    url = httpx.URL(server.api_url)
    with closing(socket.create_connection((url.host, url.port), timeout=30)) as connection:
        head = f"POST {url.path}/generate HTTP/1.1\r\nHost: {url.host}\r\nContent-Length: 9999999\r\n\r\n"
        connection.sendall(head.encode())
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"request-id: req_" in answer


def test_a_wrong_content_length_does_not_affect_other_requests(server: Server) -> None:
    url = httpx.URL(server.api_url)
    with closing(socket.create_connection((url.host, url.port), timeout=30)) as connection:
        head = f"POST {url.path}/generate HTTP/1.1\r\nHost: {url.host}\r\nContent-Length: 100\r\n\r\n{{"
        connection.sendall(head.encode())
    with server.client() as client:
        assert client.get("/workspaces").status_code == 200


def start(server: Server, account: Account, **headers: str) -> dict[str, str]:
    body = json.dumps(account.body(model="t2t-rehearsal"))
    all_headers = {
        "authorization": f"Bearer {account.api_key}",
        "content-type": "application/json",
        **headers,
    }
    return httpx.post(f"{server.api_url}/generate", content=body, headers=all_headers, timeout=60).json()


def test_links_use_the_address_of_the_client(server: Server) -> None:
    account = server.new_account()
    started = start(server, account)
    assert started["poll_url"] == f"{server.api_url}/runs/{started['run_id']}"
    # Another name and port of the same server, as through a tunnel.
    started = start(server, account, host="localhost:8443")
    assert started["poll_url"] == f"http://localhost:8443/api/v1/runs/{started['run_id']}"


def test_links_use_the_public_address_if_it_is_set(start_server: StartServer) -> None:
    server = start_server(public_url="https://terrarium.example/")
    with server.client() as client:
        body = server.first.body(model="t2t-rehearsal")
        headers = {"idempotency-key": "k"}
        started = client.post("/generate", json=body, headers=headers).json()
        run = f"https://terrarium.example/api/v1/runs/{started['run_id']}"
        assert started["poll_url"] == run
        assert finished(client, started["run_id"])["poll_url"] == run
        assert client.post("/generate", json=body, headers=headers).headers["location"] == run
        [generation] = client.get("/generations").json()["generations"]
        assert generation["poll_url"] == run


def test_the_health_of_a_server_that_accepts_runs(server: Server) -> None:
    answer = httpx.get(f"{server.base_url}/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
