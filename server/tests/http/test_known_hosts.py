"""Links to this server are built from known hosts only, and every request gets links that it can use."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from starlette.testclient import TestClient

from support.application import Application, open_application
from support.server import Server, StartServer, finished
from terrarium_server.settings import Settings

HOSTILE = [
    "evil.example", "evil.example:8787", "localhost.evil.example", "127.0.0.1.evil.example", "203.0.113.9",
    "[2001:db8::9]:8787", "evil.example/path", "localhost@evil.example", "localhost:80@evil.example",
    "localhost#evil.example", "localhost?evil.example", "localhost\\evil.example", "localhost:port",
    "localhost:0", "localhost:65536", "localhost evil.example", "localhost, evil.example", "[::1", "::1",
    "[]", "[localhost]", "127.1", "0x7f000001", "2130706433", "0.0.0.0", "", " ", ":", ":80", "-", ".",
    "a" * 300, "localhost:8787\x00", "l\xf6calhost", '"localhost"', "<script>", "xn--lcalhost-n4a",
]  # fmt: skip


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    proxies = "10.0.0.0/8, 192.0.2.1,2001:db8::/32"
    names = "Studio.LAN, 192.168.7.7,fd00::7"
    folder = tmp_path_factory.mktemp("data")
    with open_application(folder, workers=False, trusted_proxies=proxies, known_hosts=names) as opened:
        yield opened


def canvas_url(
    application: Application,
    *hosts: str,
    peer: str = "198.51.100.1",
    server: str = "http://127.0.0.1:8787",
    **forwarded: str,
) -> str:
    """The start of the links in an answer to a request that arrives at ``server``."""
    account = application.account()
    headers = [("authorization", f"Bearer {account.api_key}")]
    headers += [("host", host.encode("latin-1").decode("latin-1")) for host in hosts]
    headers += [(f"x-forwarded-{name}", value) for name, value in forwarded.items()]
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    # Not entered: the application runs already.
    client = TestClient(application.app, base_url=server, client=(peer, 50000))
    answer = client.get(f"/api/v1/projects/{account.project_id}/nodes", headers=raw)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    url: str = answer.json()["canvas_url"]
    assert url.endswith(f"/projects/{account.project_id}")
    return url.removesuffix(f"/projects/{account.project_id}")


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1:8787", "127.0.0.1:8787"),
        ("127.0.0.1:9000", "127.0.0.1:9000"),
        ("127.9.9.9", "127.9.9.9"),
        ("localhost:8787", "localhost:8787"),
        ("LocalHost", "localhost"),
        ("localhost.", "localhost"),
        ("studio.localhost:1", "studio.localhost:1"),
        ("[::1]:8787", "[::1]:8787"),
        ("[0:0:0:0:0:0:0:1]", "[::1]"),
        ("[::ffff:127.0.0.1]:8787", "127.0.0.1:8787"),
        ("localhost:80", "localhost"),
        ("studio.lan:8787", "studio.lan:8787"),
        ("STUDIO.lan", "studio.lan"),
        ("192.168.7.7:8787", "192.168.7.7:8787"),
        ("[FD00::7]", "[fd00::7]"),
        (socket.gethostname(), socket.gethostname().lower()),
        (f"{socket.gethostname().partition('.')[0]}.local:8787",) * 2,
    ],
)
def test_a_known_host_is_used(proxied: Application, host: str, shown: str) -> None:
    assert canvas_url(proxied, host) == f"http://{shown.lower()}"


@pytest.mark.parametrize("host", HOSTILE, ids=ascii)
def test_an_unknown_host_is_answered_with_the_address_of_the_server(proxied: Application, host: str) -> None:
    assert canvas_url(proxied, host) == "http://127.0.0.1:8787"


def test_two_hosts_are_as_good_as_none(proxied: Application) -> None:
    assert canvas_url(proxied, "localhost", "localhost") == "http://127.0.0.1:8787"


def test_headers_of_a_proxy_that_is_not_trusted_are_ignored(proxied: Application) -> None:
    forwarded = {"proto": "https", "host": "evil.example", "prefix": "/evil"}
    for peer in ("198.51.100.1", "127.0.0.1", "::1", "11.0.0.1", "testclient"):
        url = canvas_url(proxied, "localhost:8787", peer=peer, **forwarded)
        assert url == "http://localhost:8787"


@pytest.mark.parametrize("peer", ["10.1.2.3", "192.0.2.1", "2001:db8::5", "::ffff:10.1.2.3"])
def test_a_trusted_proxy_says_what_the_client_used(proxied: Application, peer: str) -> None:
    forwarded = {"proto": "https", "host": "flora.example:8443", "prefix": "/terrarium/"}
    url = canvas_url(proxied, "127.0.0.1:8787", peer=peer, **forwarded)
    assert url == "https://flora.example:8443/terrarium"


@pytest.mark.parametrize(
    ("hosts", "forwarded", "expected"),
    [
        # A proxy that keeps the Host of the client.
        (["flora.example"], {"proto": "https"}, "https://flora.example"),
        (["flora.example:443"], {"proto": "https"}, "https://flora.example"),
        (["flora.example"], {}, "http://flora.example"),
        # The last value is the one that the proxy has added.
        (["x"], {"host": "evil.example, flora.example"}, "http://flora.example"),
        (["x"], {"host": "flora.example", "proto": "http, HTTPS"}, "https://flora.example"),
        (["x"], {"host": "flora.example", "prefix": "/evil, /a/b"}, "http://flora.example/a/b"),
        # What cannot be used is left out.
        (["flora.example"], {"host": "evil.example/x"}, "http://flora.example"),
        (["flora.example"], {"proto": "javascript"}, "http://flora.example"),
        (["flora.example"], {"prefix": "//evil.example"}, "http://flora.example"),
        (["flora.example"], {"prefix": "/../x"}, "http://flora.example"),
        (["flora.example"], {"prefix": "/a?b"}, "http://flora.example"),
        (["flora.example"], {"prefix": "/"}, "http://flora.example"),
        (["flora.example"], {"prefix": "/" + "a" * 300}, "http://flora.example"),
        (["a b"], {}, "http://127.0.0.1:8787"),
        (["a", "b"], {}, "http://127.0.0.1:8787"),
    ],
)
def test_what_a_trusted_proxy_may_say(
    proxied: Application, hosts: list[str], forwarded: dict[str, str], expected: str
) -> None:
    assert canvas_url(proxied, *hosts, peer="10.0.0.1", **forwarded) == expected


@pytest.mark.parametrize("address", ["0.0.0.0", "[::]"])
def test_a_server_on_all_addresses_names_the_one_that_leads_to_the_client(
    proxied: Application, address: str
) -> None:
    server = f"http://{address}:8787"
    assert canvas_url(proxied, "evil.example", peer="127.0.0.1", server=server) == "http://127.0.0.1:8787"
    # The peer is no address, as with a socket of Unix.
    url = canvas_url(proxied, "evil.example", peer="testclient", server=server)
    assert url == f"http://{socket.gethostname()}:8787"


def test_the_public_address_wins(tmp_path_factory: pytest.TempPathFactory) -> None:
    settings: dict[str, Any] = {"public_url": "https://terrarium.example/a/", "trusted_proxies": "10.0.0.1"}
    with open_application(tmp_path_factory.mktemp("data"), workers=False, **settings) as opened:
        url = canvas_url(opened, "localhost", peer="10.0.0.1", host="other.example")
        assert url == "https://terrarium.example/a"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("trusted_proxies", "proxy.example"),
        ("trusted_proxies", "10.0.0.0/99"),
        ("trusted_proxies", "*"),
        ("known_hosts", "https://studio.lan"),
        ("known_hosts", "studio.lan:8787"),
        ("known_hosts", "*.lan"),
        ("known_hosts", "a b"),
    ],
)
def test_settings_that_mean_nothing_are_refused(name: str, value: str) -> None:
    with pytest.raises(ValidationError, match=name):
        Settings(**{name: value})  # type: ignore[arg-type]


def test_an_address_may_be_written_in_brackets() -> None:
    assert Settings(known_hosts="[fd00::1]").known_hosts == ("fd00::1",)  # type: ignore[arg-type]


def test_settings_are_lists_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERRARIUM_KNOWN_HOSTS", "a.lan, b.lan,")
    monkeypatch.setenv("TERRARIUM_TRUSTED_PROXIES", "10.0.0.0/8,::1")
    settings = Settings()
    assert settings.known_hosts == ("a.lan", "b.lan")
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.0/8", "::1/128"]


def raw_links(server: Server, request_line: str, *head: str) -> str:
    """Send a request byte by byte as written; returns its answer, head and body."""
    url = httpx.URL(server.base_url)
    lines = [request_line, f"Authorization: Bearer {server.first.api_key}", "Connection: close", *head]
    with closing(socket.create_connection((url.host, url.port), timeout=30)) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer.decode()


@pytest.mark.parametrize(
    ("target", "version", "hosts"),
    [
        ("{path}", "HTTP/1.1", ["evil.example"]),
        ("{path}", "HTTP/1.0", []),
        ("http://evil.example{path}", "HTTP/1.1", ["evil.example"]),
        ("http://evil.example{path}", "HTTP/1.0", []),
        ("{path}", "HTTP/1.1", ["evil.example", "evil.example"]),
        ("{path}", "HTTP/1.1", ["evil.example", "localhost"]),
        ("{path}", "HTTP/1.1", ["localhost", "evil.example"]),
    ],
)
def test_no_form_of_a_request_brings_an_unknown_host_into_a_link(
    server: Server, target: str, version: str, hosts: list[str]
) -> None:
    path = target.format(path=f"/api/v1/projects/{server.first.project_id}/nodes")
    answer = raw_links(server, f"GET {path} {version}", *(f"Host: {host}" for host in hosts))
    assert "evil" not in answer
    status = answer.split(" ", 2)[1]
    # A server may refuse two hosts and an absolute target for another host.
    if status == "200":
        assert json.loads(answer.rpartition("\r\n\r\n")[2])["canvas_url"].startswith(server.base_url)
    else:
        assert status == "400"


@pytest.mark.parametrize("path", ["/api/v1/models/", "/healthz/", "/api/v1/projects/"])
def test_no_redirect_leads_to_an_unknown_host(server: Server, path: str) -> None:
    answer = httpx.get(f"{server.base_url}{path}", headers={"host": "evil.example"})
    assert answer.status_code == 404
    assert "location" not in answer.headers


def test_a_duplicate_is_told_a_location_on_a_known_host(server: Server) -> None:
    headers = {"host": "evil.example", "idempotency-key": "known-hosts"}
    body = server.first.body(model="t2t-rehearsal")
    with server.client() as client:
        started = client.post("/generate", json=body, headers=headers).json()
        assert started["poll_url"] == f"{server.api_url}/runs/{started['run_id']}"
        assert client.post("/generate", json=body, headers=headers).headers["location"] == started["poll_url"]


def test_a_real_server_believes_only_trusted_proxies(server: Server, start_server: StartServer) -> None:
    forwarded = {"x-forwarded-proto": "https", "x-forwarded-host": "flora.example"}
    trusting = start_server(trusted_proxies="127.0.0.1")
    for running, expected in ((server, server.base_url), (trusting, "https://flora.example")):
        with running.client() as client:
            nodes = client.get(f"/projects/{running.first.project_id}/nodes", headers=forwarded).json()
        assert nodes["canvas_url"].startswith(f"{expected}/projects/")


def test_a_server_on_all_addresses_is_reached_at_each(start_server: StartServer) -> None:
    running = start_server(host="0.0.0.0")
    port = running.base_url.rpartition(":")[2]
    for host, shown in (("evil.example", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("localhost", "localhost")):
        with running.client() as client:
            url = f"/projects/{running.first.project_id}/nodes"
            nodes = client.get(url, headers={"host": f"{host}:{port}"}).json()
        assert nodes["canvas_url"].startswith(f"http://{shown}:{port}/projects/")


def test_a_link_below_the_prefix_of_a_proxy_is_a_link_of_this_server(server: Server) -> None:
    with server.client() as client:
        body = server.first.body(type="image", model="t2i-sketch", params={"resolution": "0.5k"})
        run = finished(client, client.post("/generate", json=body).json()["run_id"])
        link = run["outputs"][0]["url"].replace("/media/", "/terrarium/media/")
        assert link.startswith("http://")
        body = server.first.body(type="image", model="i2i-rehearsal", params={"image_url": link})
        # A link to another server must start with https.
        assert client.post("/runs/estimate", json=body).status_code == 200
