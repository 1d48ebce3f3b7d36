"""Raw bytes to a real server: whatever comes is answered, refused or closed, and harms nobody else."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from support.server import Account, Server

# The end of every head. Without keep-alive the server closes the connection after its answer.
END = b"Connection: close\r\n\r\n"
HOST = b"Host: 127.0.0.1\r\n"
JSON = b"Content-Type: application/json\r\n"
GET = b"GET /api/v1/workspaces HTTP/1.1\r\n"
POST = b"POST /api/v1/generate HTTP/1.1\r\n" + HOST + JSON
_STATUS = re.compile(rb"^HTTP/1\.[01] (\d{3}) ", re.MULTILINE)

COMPLETE = {
    "one length twice": POST + b"Content-Length: 2\r\nContent-Length: 2\r\n" + END + b"{}",
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 3\r\n" + END + b"{} ",
    "two lengths in one header": POST + b"Content-Length: 2, 3\r\n" + END + b"{} ",
    "a negative length": POST + b"Content-Length: -2\r\n" + END + b"{}",
    "a length with a sign": POST + b"Content-Length: +2\r\n" + END + b"{}",
    "a length in hexadecimal": POST + b"Content-Length: 0x2\r\n" + END + b"{}",
    "a length beyond 64 bits": POST + b"Content-Length: 99999999999999999999999\r\n" + END + b"{}",
    "a length and chunks": POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n" + END + b"0\r\n\r\n",
    "chunks and a length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n" + END + b"0\r\n\r\n",
    "chunks twice": POST + b"Transfer-Encoding: chunked, chunked\r\n" + END + b"0\r\n\r\n",
    "chunks that are not last": POST + b"Transfer-Encoding: chunked, gzip\r\n" + END + b"0\r\n\r\n",
    "an unknown transfer coding": POST + b"Transfer-Encoding: cow\r\n" + END,
    "a transfer coding with a tab": POST + b"Transfer-Encoding:\tchunked\r\n" + END + b"0\r\n\r\n",
    "a chunk without a size": POST + b"Transfer-Encoding: chunked\r\n" + END + b"\r\n\r\n",
    "a chunk with a wrong size": POST + b"Transfer-Encoding: chunked\r\n" + END + b"zz\r\n{}\r\n0\r\n\r\n",
    "a negative chunk": POST + b"Transfer-Encoding: chunked\r\n" + END + b"-1\r\n{}\r\n0\r\n\r\n",
    "a chunk beyond 64 bits": POST
    + b"Transfer-Encoding: chunked\r\n"
    + END
    + b"f" * 30
    + b"\r\n{}\r\n0\r\n\r\n",
    "a chunk extension": POST + b"Transfer-Encoding: chunked\r\n" + END + b"2;a=b\r\n{}\r\n0\r\n\r\n",
    "trailers": POST + b"Transfer-Encoding: chunked\r\n" + END + b"2\r\n{}\r\n0\r\nHost: other\r\n\r\n",
    "a folded header": GET + HOST + b"X-A: a\r\n b\r\n" + END,
    "a folded first header": GET + b" X-A: a\r\n" + HOST + END,
    "a space before the colon": GET + b"Host : 127.0.0.1\r\n" + END,
    "a header without a colon": GET + HOST + b"X-A\r\n" + END,
    "a header without a name": GET + HOST + b": a\r\n" + END,
    "a NUL in a header": GET + HOST + b"X-A: a\0b\r\n" + END,
    "a line feed in a header": GET + HOST + b"X-A: a\nX-B: b\r\n" + END,
    "a carriage return in a header": GET + HOST + b"X-A: a\rX-B: b\r\n" + END,
    "control characters in a header": GET + HOST + b"X-A: \x01\x7f\r\n" + END,
    "bytes in a header": GET + HOST + b"X-A: \xff\xfe\xed\xa0\x80\r\n" + END,
    "bytes in a name": GET + HOST + b"X-\xff: a\r\n" + END,
    "a header of 30,000 bytes": GET + HOST + b"X-A: " + b"a" * 30_000 + b"\r\n" + END,
    "two hosts": GET + HOST + b"Host: other\r\n" + END,
    "no host": GET + END,
    "an empty host": GET + b"Host:\r\n" + END,
    "a host that is none": GET + b"Host: [a/b@c\r\n" + END,
    "an expectation": POST + b"Content-Length: 2\r\nExpect: 100-continue\r\n" + END + b"{}",
    "an unknown expectation": POST + b"Content-Length: 2\r\nExpect: nothing\r\n" + END + b"{}",
    "an upgrade to HTTP/2": GET + HOST + b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n" + END,
    "an upgrade without its headers": GET + HOST + b"Upgrade: websocket\r\n" + END,
    "HTTP/1.0 without a host": b"GET /healthz HTTP/1.0\r\n\r\n",
    "HTTP/1.0 with chunks": b"POST /api/v1/generate HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a body with GET": GET + HOST + b"Content-Length: 2\r\n" + END + b"{}",
    "a body with HEAD": b"HEAD /healthz HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\n" + END + b"{}",
    "a query of 30,000 bytes": b"GET /api/v1/projects?query=" + b"a" * 30_000 + b" HTTP/1.1\r\n" + HOST + END,
    "5,000 parameters": b"GET /api/v1/projects?" + b"a=1&" * 5_000 + b" HTTP/1.1\r\n" + HOST + END,
}
TARGETS = [
    "/%",
    "/%0",
    "/%zz",
    "/%00",
    "/%ff",
    "/%2f",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/%c0%af",
    "/api/v1/runs/run_%00",
    "/api/v1/runs/run_%ff",
    "/api/v1/runs/run_%2f",
    "/api/v1/runs/run_%",
    "/api/v1/runs/run_%ED%A0%80",
    "/api/v1/runs/run_a%0d%0aX-A:b",
    "/media/%00",
    "/media/%2e%2e%2f%2e%2e%2fserver.log",
    "/media/../server.log",
    "/api/v1/../../healthz",
    "//healthz",
    "///",
    "/./healthz",
    "/healthz/",
    "/healthz?",
    "/healthz?%",
    "/healthz?%00=%ff&&=",
    "/healthz#fragment",
    "/healthz;a=b",
    "/HEALTHZ",
    "/\\healthz",
    "/a|b^c`{}",
    "http://127.0.0.1/healthz",
    "http://other.example/healthz",
    "https://other.example:99999/healthz",
    "http://[::1/healthz",
    "http://user@127.0.0.1/healthz",
    "ftp://127.0.0.1/healthz",
    "file:///etc/passwd",
    "127.0.0.1:443",
    "healthz",
    "*",
    "?",
    "#",
    "/" + "a/" * 10_000,
]
METHODS = [
    "get",
    "Get",
    "POST",
    "PUT",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "PRI",
    "M-SEARCH",
    "FOO",
    "G@T",
    "X" * 300,
]
UNFINISHED = {
    "nothing": b"",
    "line ends": b"\r\n\r\n\r\n",
    "no HTTP": b"\x00\x01\x02\x03\xff\xfe",
    "a line of text": b"hello\r\n",
    "half a request line": b"GET /healthz",
    "half a head": GET + HOST,
    "half a body": POST + b"Content-Length: 100\r\n\r\n{",
    "half a chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n64\r\n{",
    "no last chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
    "HTTP/0.9": b"GET /healthz\r\n\r\n",
    "HTTP/1.2": b"GET /healthz HTTP/1.2\r\n\r\n",
    "HTTP/2.0": b"GET /healthz HTTP/2.0\r\n\r\n",
    "HTTP/9": b"GET /healthz HTTP/9\r\n\r\n",
    "no version": b"GET /healthz XXXX/1.1\r\n\r\n",
    "line feeds alone": b"GET /healthz HTTP/1.1\nHost: a\n\n",
    "two spaces": b"GET  /healthz  HTTP/1.1\r\n\r\n",
    "no target": b"GET HTTP/1.1\r\n\r\n",
    "bytes in the target": b"GET /\xff\xfe HTTP/1.1\r\n" + HOST + END,
    "a NUL in the target": b"GET /\0 HTTP/1.1\r\n" + HOST + END,
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    "half the preface of HTTP/2": b"PRI * HTTP/2.0\r\n",
    "a TLS hello": bytes.fromhex("16030100a5010000a10303") + b"\x07" * 160,
    "a TLS alert": bytes.fromhex("15030300020228"),
    "SSH": b"SSH-2.0-OpenSSH_9.0\r\n",
    "SOCKS": b"\x05\x01\x00",
    "a proxy header": b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\nGET /healthz HTTP/1.1\r\n" + HOST + END,
    "many requests at once": (b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n") * 200,
}
# Headers and body of a start that ends too early; what stands for its text and sizes is filled in.
TRUNCATED = {
    "shorter than its length": (b"Content-Length: %(more)b\r\n", b"%(body)b"),
    "shorter than its chunk": (b"Transfer-Encoding: chunked\r\n", b"%(more)b\r\n%(body)b"),
    "no last chunk": (b"Transfer-Encoding: chunked\r\n", b"%(size)b\r\n%(body)b\r\n"),
    "a wrong last chunk": (b"Transfer-Encoding: chunked\r\n", b"%(size)b\r\n%(body)b\r\nzz\r\n"),
}


@pytest.fixture(scope="module")
def account(server: Server) -> Account:
    return server.new_account()


@pytest.fixture(autouse=True)
def unharmed(server: Server, account: Account) -> Iterator[None]:
    """After every test: nothing unexpected was logged, and the server answers others."""
    log = Path(server.settings["data_dir"], "server.log")
    before = log.stat().st_size
    yield
    with server.client(account.api_key) as client:
        assert client.get("/workspaces").status_code == 200
    written = log.read_bytes()[before:].decode(errors="replace")
    assert not re.search(r"Traceback|panicked| ERROR | CRITICAL ", written), written


def exchange(server: Server, data: bytes, *, half_close: bool = False) -> bytes:
    """Send bytes and read until the server closes the connection."""
    url = httpx.URL(server.base_url)
    answer = b""
    with closing(socket.create_connection((url.host, url.port), timeout=60)) as connection:
        try:
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                answer += part
        except ConnectionError:
            pass  # the server has closed the connection before it read everything
    return answer


def statuses(answer: bytes) -> list[int]:
    return [int(status) for status in _STATUS.findall(answer)]


@pytest.mark.parametrize("name", COMPLETE)
def test_a_hostile_request_is_answered(server: Server, account: Account, name: str) -> None:
    key = f"Authorization: Bearer {account.api_key}\r\n".encode()
    for head in (COMPLETE[name], COMPLETE[name].replace(b"\r\n", b"\r\n" + key, 1)):
        answer = exchange(server, head)
        assert all(status < 500 for status in statuses(answer)), answer[:2_000]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target[:40])
def test_any_target_is_answered(server: Server, account: Account, target: str) -> None:
    key = f"Authorization: Bearer {account.api_key}\r\n".encode()
    answer = exchange(server, f"GET {target} HTTP/1.1\r\n".encode() + HOST + key + END)
    assert all(status < 500 for status in statuses(answer)), answer[:2_000]
    assert b"root:" not in answer


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method[:40])
@pytest.mark.parametrize("target", ["/healthz", "/api/v1/workspaces", "*", "127.0.0.1:443"])
def test_any_method_is_answered(server: Server, method: str, target: str) -> None:
    answer = exchange(
        server, f"{method} {target} HTTP/1.1\r\n".encode() + HOST + b"Content-Length: 0\r\n" + END
    )
    assert all(status < 500 for status in statuses(answer)), answer[:2_000]


@pytest.mark.parametrize("name", UNFINISHED)
def test_what_is_no_request_is_refused_or_closed(server: Server, name: str) -> None:
    answer = exchange(server, UNFINISHED[name], half_close=True)
    assert all(status < 500 for status in statuses(answer)), answer[:2_000]


@pytest.mark.parametrize("name", TRUNCATED)
def test_an_incomplete_body_starts_nothing(server: Server, account: Account, name: str) -> None:
    """Even if what has arrived is a whole start already."""
    body = json.dumps(account.body(model="t2t-rehearsal")).encode()
    headers, chunks = TRUNCATED[name]
    sent = chunks % {b"size": b"%x" % len(body), b"more": b"%x" % (len(body) + 1), b"body": body}
    declared = headers % {b"more": b"%d" % (len(body) + 1)}
    head = POST + b"Authorization: Bearer " + account.api_key.encode() + b"\r\n" + declared + b"\r\n"
    answer = exchange(server, head + sent, half_close=True)
    assert all(400 <= status < 500 for status in statuses(answer)), answer[:2_000]
    with server.client(account.api_key) as client:
        assert client.get("/generations").json()["generations"] == []


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: %d\r\n",
        b"Content-Length: 0\r\nContent-Length: %d\r\n",
        b"Content-Length: %d\r\nContent-Length: 0\r\n",
    ],
)
def test_a_request_hidden_in_a_body_is_not_answered(server: Server, headers: bytes) -> None:
    hidden = GET + HOST + END
    body = b"0\r\n\r\n" + hidden
    answer = exchange(server, POST + headers % len(body) + b"\r\n" + body)
    assert len(statuses(answer)) <= 1, answer[:2_000]
