"""Links are fetched from public places only, and only what they should be."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from support.loopback import Asked, Reply, loopback
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
        assert (site.asked[0].path, site.asked[0].query) == ("/a", "b=c")


def test_it_says_who_it_is_and_what_it_takes(tmp_path: Path) -> None:
    with loopback(lambda asked: Reply(PNG)) as site:
        fetched(site.url, tmp_path / "x")
    headers = site.asked[0].headers
    assert headers["user-agent"].startswith(f"Terrarium/{__version__} (+https://")
    assert headers["accept-encoding"] == "identity"
    assert headers["host"] == site.url.removeprefix("http://")
    assert headers["accept"] == "*/*"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://example.com/a.png", "must start with https"),
        ("https://127.0.0.1/a.png", "not public"),
        ("https://[/a.jpg", "not a name"),
        ("https://0177.0.0.1", "cannot be read"),
        ("https://no-such-host.invalid/a.png", "not known"),
    ],
)
def test_a_link_that_may_not_be_fetched_is_told(tmp_path: Path, url: str, told: str) -> None:
    with pytest.raises(FetchError, match=told):
        fetched(url, tmp_path / "x", FetchRules())
    assert not (tmp_path / "x").exists()


def test_redirects_are_followed_and_checked_again(tmp_path: Path) -> None:
    def answer(asked: Asked) -> Reply:
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
        assert [asked.path for asked in site.asked] == ["/a", "/b", "/c%20d.png"]
        with pytest.raises(FetchError, match="redirects more than 5 times"):
            fetched(f"{site.url}/round", tmp_path / "x")


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("file:///etc/passwd", "must start with https"),
        ("data:image/png;base64,AAAA", "must start with https"),
        ("https://[", "the link redirects"),
        ("https://[/a.jpg", "the link redirects"),
        ("//host:abc/", "the link redirects"),
        ("https://0177.0.0.1/", "the link redirects"),
        ("https://user@host/", "no user"),
        ("https://xn--a.example/", "not a name"),
        ("https://", "must name a host"),
        ("/" + "a" * 9000, "longer than 8,000"),
    ],
)
def test_a_redirect_to_what_may_not_be_fetched_is_told(tmp_path: Path, location: str, told: str) -> None:
    with loopback(lambda asked: Reply(status=301, headers={"location": location})) as site:
        with pytest.raises(FetchError, match=told):
            fetched(site.url, tmp_path / "x")
        assert len(site.asked) == 1


@pytest.mark.parametrize(
    ("reply", "told"),
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
def test_what_does_not_arrive_as_an_image_is_told_and_leaves_no_file(
    tmp_path: Path, reply: Reply, told: str
) -> None:
    with loopback(lambda asked: reply) as site, pytest.raises(FetchError, match=told):
        fetched(site.url, tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_what_is_announced_as_too_large_is_not_read(tmp_path: Path) -> None:
    async def work() -> None:
        left: asyncio.Queue[bytes] = asyncio.Queue()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n")
            # Nothing follows: whoever waits for some of it waits for ever.
            left.put_nowait(await reader.read())
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            with pytest.raises(FetchError, match="larger than"):
                await fetch(f"http://127.0.0.1:{port}/", tmp_path / "x", kind="image", rules=OPEN)
            assert await left.get() == b""

    asyncio.run(work())


def test_what_is_no_http_is_told(tmp_path: Path) -> None:
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


def test_a_file_that_cannot_be_written_is_no_fault_of_the_link(tmp_path: Path) -> None:
    with loopback(lambda asked: Reply(PNG)) as site, pytest.raises(FileNotFoundError):
        fetched(site.url, tmp_path / "nowhere" / "x")
