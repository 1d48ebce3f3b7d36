"""Links are fetched from public places only, and only what they should be."""

import socket
from pathlib import Path

import pytest

from support.loopback import Asked, Reply, loopback
from terrarium_server.media import FetchError, FetchRules, fetch
from terrarium_server.media._fetch import is_public

OPEN = FetchRules(max_bytes=1000, seconds=5, allow_private=True)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1",
        "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:0:0:0:0:0:1",
    ],
)  # fmt: skip
def test_an_address_of_this_machine_or_its_network_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"])
def test_others_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://example.com/a.png", "must start with https"),
        ("ftp://example.com/a.png", "must start with https"),
        ("https://user:pass@example.com/a.png", "no user"),
        ("https:///a.png", "must name a host"),
        ("https://127.0.0.1/a.png", "not public"),
        ("https://[::ffff:10.0.0.1]/a.png", "not public"),
        ("https://2130706433/a.png", "not public"),
        ("https://no-such-host.invalid/a.png", "not known"),
    ],
)
def test_a_link_that_may_not_be_fetched_is_told(tmp_path: Path, url: str, told: str) -> None:
    with pytest.raises(FetchError, match=told):
        fetch(url, tmp_path / "x", kind="image", rules=FetchRules())


def test_a_name_that_leads_to_this_machine_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(*_: object, **__: object) -> list[object]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ("93.184.216.34", "10.0.0.8")
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(FetchError, match="not public"):
        fetch("https://innocent.example/a.png", tmp_path / "x", kind="image", rules=FetchRules())


def test_redirects_are_followed_and_checked_again(tmp_path: Path) -> None:
    def answer(asked: Asked) -> Reply:
        match asked.path:
            case "/a":
                return Reply(status=302, headers={"location": "/b"})
            case "/b":
                return Reply(PNG)
            case "/out":
                return Reply(status=301, headers={"location": "file:///etc/passwd"})
            case _:
                return Reply(status=307, headers={"location": asked.path})

    with loopback(answer) as site:
        assert fetch(f"{site.url}/a", tmp_path / "x", kind="image", rules=OPEN).content_type == "image/png"
        with pytest.raises(FetchError, match="must start with https"):
            fetch(f"{site.url}/out", tmp_path / "x", kind="image", rules=OPEN)
        with pytest.raises(FetchError, match="redirects more than"):
            fetch(f"{site.url}/round", tmp_path / "x", kind="image", rules=OPEN)


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(PNG + bytes(2000)), "larger than"),
        (Reply(status=404), "answered 404"),
        (Reply(b"RIFF\0\0\0\0WAVE"), "audio/wav, not an image"),
        (Reply(b"#!/bin/sh"), "unknown type, not an image"),
        (Reply(b""), "unknown type"),
        (Reply(drops=True), "could not be fetched"),
    ],
)
def test_what_does_not_arrive_as_an_image_is_told(tmp_path: Path, reply: Reply, told: str) -> None:
    with loopback(lambda _asked: reply) as site, pytest.raises(FetchError, match=told):
        fetch(site.url, tmp_path / "x", kind="image", rules=OPEN)
