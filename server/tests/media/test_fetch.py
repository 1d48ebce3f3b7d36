"""Fetching links: only from public addresses, and only media of the expected kind."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from support.loopback import Reply, Request, loopback
from terrarium_server import __version__
from terrarium_server.media import Fetched, FetchError, FetchRules, fetch

OPEN = FetchRules(max_bytes=1000, seconds=30, allow_private=True)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


def fetched(url: str, into: Path, rules: FetchRules = OPEN, kind: Any = "image") -> Fetched:
    return asyncio.run(fetch(url, into, kind=kind, rules=rules))


def test_a_file_arrives_whole_with_its_type(tmp_path: Path) -> None:
    body = PNG.ljust(5_000_000, b"x")
    for reply in (Reply(body), Reply((body[:1], body[1:3_000_000], body[3_000_000:]))):
        with loopback(lambda asked, reply=reply: reply) as site:
            got = fetched(f"{site.url}/a?b=c", tmp_path / "x", FetchRules(allow_private=True))
        assert got == Fetched(tmp_path / "x", "image/png", len(body))
        assert got.path.read_bytes() == body
        assert (site.requests[0].path, site.requests[0].query) == ("/a", "b=c")


def test_a_request_has_a_user_agent_and_accepts_no_compression(tmp_path: Path) -> None:
    with loopback(lambda asked: Reply(PNG)) as site:
        fetched(site.url, tmp_path / "x")
    headers = site.requests[0].headers
    assert headers["user-agent"].startswith(f"Terrarium/{__version__} (+https://")
    assert headers["accept-encoding"] == "identity"
    assert headers["host"] == site.url.removeprefix("http://")
    assert headers["accept"] == "*/*"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://example.com/a.png", "must start with https"),
        ("https://127.0.0.1/a.png", "not public"),
        ("https://[/a.jpg", "not a valid name"),
        ("https://0177.0.0.1", "cannot be read"),
        ("https://no-such-host.invalid/a.png", "not known"),
    ],
)
def test_a_link_that_may_not_be_fetched_is_refused(tmp_path: Path, url: str, message: str) -> None:
    with pytest.raises(FetchError, match=message):
        fetched(url, tmp_path / "x", FetchRules())
    assert not (tmp_path / "x").exists()


def test_redirects_are_followed_and_checked_again(tmp_path: Path) -> None:
    def answer(asked: Request) -> Reply:
        match asked.path:
            case "/a":
                return Reply(status=302, headers={"location": "/b"})
            case "/b":
                return Reply(status=308, headers={"location": "c d.png?e=\xe4"})
            case "/c%20d.png":
                return Reply(PNG)
            case _:
                return Reply(status=307, headers={"location": asked.path})

    with loopback(answer) as site:
        assert fetched(f"{site.url}/a", tmp_path / "x").content_type == "image/png"
        assert [asked.path for asked in site.requests] == ["/a", "/b", "/c%20d.png"]
        with pytest.raises(FetchError, match="redirects more than 5 times"):
            fetched(f"{site.url}/round", tmp_path / "x")


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("file:///etc/passwd", "must start with https"),
        ("data:image/png;base64,AAAA", "must start with https"),
        ("https://[", "the link redirects"),
        ("https://[/a.jpg", "the link redirects"),
        ("//host:abc/", "the link redirects"),
        ("https://0177.0.0.1/", "the link redirects"),
        ("https://user@host/", "no user"),
        ("https://xn--a.example/", "not a valid name"),
        ("https://", "must name a host"),
        ("/" + "a" * 9000, "longer than 8,000"),
    ],
)
def test_a_redirect_that_may_not_be_followed_is_refused(tmp_path: Path, location: str, message: str) -> None:
    with loopback(lambda asked: Reply(status=301, headers={"location": location})) as site:
        with pytest.raises(FetchError, match=message):
            fetched(site.url, tmp_path / "x")
        assert len(site.requests) == 1


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply(PNG + bytes(2000)), "larger than"),
        (Reply((PNG, *[bytes(100)] * 20)), "larger than"),
        (Reply(status=404), "answered 404"),
        (Reply(PNG, status=206), "answered 206"),
        (Reply(status=204), "answered 204"),
        (Reply(status=302), "answered 302"),
        (Reply(b"RIFF\0\0\0\0WAVE"), "audio/wav, not an image"),
        (Reply(b"#!/bin/sh"), "unknown type, not an image"),
        (Reply(b""), "empty file"),
        (Reply(drops=True), "could not be fetched"),
        (Reply((PNG,), drops=True), "could not be fetched"),
    ],
)
def test_a_response_that_is_no_image_is_refused_and_leaves_no_file(
    tmp_path: Path, reply: Reply, message: str
) -> None:
    with loopback(lambda asked: reply) as site, pytest.raises(FetchError, match=message):
        fetched(site.url, tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_a_body_whose_announced_length_is_too_large_is_not_read(tmp_path: Path) -> None:
    async def work() -> None:
        left: asyncio.Queue[bytes] = asyncio.Queue()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n")
            # No body follows, so a client that reads it would wait for ever.
            left.put_nowait(await reader.read())
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            with pytest.raises(FetchError, match="larger than"):
                await fetch(f"http://127.0.0.1:{port}/", tmp_path / "x", kind="image", rules=OPEN)
            assert await left.get() == b""

    asyncio.run(work())


def test_a_response_that_is_not_http_is_refused(tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail.example ESMTP\r\n" * 10)
        writer.close()

    async def work() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            await fetch(f"http://127.0.0.1:{port}/", tmp_path / "x", kind="image", rules=OPEN)

    with pytest.raises(FetchError, match="could not be fetched"):
        asyncio.run(work())


def test_a_file_that_cannot_be_written_is_not_a_fetch_error(tmp_path: Path) -> None:
    with loopback(lambda asked: Reply(PNG)) as site, pytest.raises(FileNotFoundError):
        fetched(site.url, tmp_path / "nowhere" / "x")
