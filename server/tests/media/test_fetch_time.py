"""A fetch ends at its time limit however slowly a host sends, and at once when it is cancelled."""

import asyncio
import gzip
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import chain, repeat
from pathlib import Path

import pytest

from support.loopback import Reply, Request, loopback
from support.server import DEADLINE
from terrarium_server.media import FetchError, FetchRules, fetch

HEAD = b"HTTP/1.1 200 OK\r\n"
PNG = b"\x89PNG\r\n\x1a\n"
# Longer than any test may take.
RULES = FetchRules(seconds=10 * DEADLINE, allow_private=True)


def bytewise(data: bytes) -> Iterator[bytes]:
    return (data[at : at + 1] for at in range(len(data)))


# What a host sends, a piece every fiftieth of a second; after the last it sends nothing.
SLOW_RESPONSES: dict[str, Callable[[], Iterable[bytes]]] = {
    "sends nothing": lambda: (),
    "sends slowly: its status": lambda: bytewise(HEAD * 100),
    "sends slowly: its headers": lambda: chain([HEAD], bytewise(b"X-More: than anybody reads\r\n" * 100)),
    "announces more": lambda: repeat(b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "sends slowly: its body": lambda: chain([HEAD + b"Content-Length: 100000\r\n\r\n" + PNG], repeat(b"x")),
    "sends slowly: small chunks": lambda: chain(
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\n"], repeat(b"1\r\nx\r\n")
    ),
    "stops in its body": lambda: (HEAD + b"Content-Length: 100000\r\n\r\n" + PNG + bytes(9000),),
    "sends slowly: without a length": lambda: chain([HEAD + b"\r\n" + PNG], repeat(b"x")),
    "sends slowly: what is compressed": lambda: chain(
        [HEAD + b"Content-Encoding: gzip\r\nContent-Length: 100000\r\n\r\n"],
        bytewise(gzip.compress(bytes(range(256)) * 100)),
    ),
    # The first bytes of a long record.
    "sends slowly: its handshake": lambda: chain([b"\x16\x03\x03\x3f\xff\x02"], repeat(b"\0")),
}


class SlowHost:
    """A host that sends slowly; it counts its connections, and those that the client has not closed."""

    def __init__(self, pieces: Callable[[], Iterable[bytes]], scheme: str) -> None:
        self.accepted = self.open = 0
        self.url = ""
        self._pieces = pieces
        self._scheme = scheme

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self.open += 1
        sending = asyncio.create_task(self._send(writer))
        # Until the client closes the connection.
        with suppress(ConnectionError):
            while await reader.read(1 << 16):
                pass
        sending.cancel()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        self.open -= 1

    async def _send(self, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            for piece in self._pieces():
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.02)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self.answer, "127.0.0.1", 0)
        self.url = f"{self._scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/a"
        async with server:
            yield


def slow_host(name: str) -> SlowHost:
    return SlowHost(SLOW_RESPONSES[name], "https" if name == "sends slowly: its handshake" else "http")


async def wait_for(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not is_so():  # noqa: ASYNC110 - what happens is another thread's, or the other side's
            await asyncio.sleep(0.01)


def is_empty(folder: Path) -> bool:
    return not any(folder.iterdir())


@pytest.mark.parametrize("name", SLOW_RESPONSES)
def test_a_fetch_ends_at_its_time_limit_however_slow_the_host_is(tmp_path: Path, name: str) -> None:
    async def work() -> None:
        host = slow_host(name)
        async with host.serving():
            rules = FetchRules(seconds=1, allow_private=True)
            async with asyncio.timeout(DEADLINE):
                with pytest.raises(FetchError, match="did not arrive within 1 s"):
                    await fetch(host.url, tmp_path / "x", kind="image", rules=rules)
            await wait_for(lambda: host.accepted == 1 and not host.open)
        assert is_empty(tmp_path)

    asyncio.run(work())


@pytest.mark.parametrize("name", SLOW_RESPONSES)
def test_a_fetch_ends_at_once_when_it_is_cancelled(tmp_path: Path, name: str) -> None:
    async def work() -> None:
        host = slow_host(name)
        async with host.serving():
            task = asyncio.create_task(fetch(host.url, tmp_path / "x", kind="image", rules=RULES))
            await wait_for(lambda: host.open == 1)
            # Long enough for some of the hosts to have sent a part of the file.
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert is_empty(tmp_path)
            await wait_for(lambda: not host.open)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(work())


def test_slow_redirects_share_one_time_limit(tmp_path: Path) -> None:
    def answer(asked: Request) -> Reply:
        time.sleep(0.4)
        return Reply(status=302, headers={"location": "/b"})

    rules = FetchRules(seconds=1, allow_private=True)
    with loopback(answer) as site, pytest.raises(FetchError, match="did not arrive within 1 s"):
        asyncio.run(fetch(site.url, tmp_path / "x", kind="image", rules=rules))


@pytest.mark.parametrize("is_cancelled", [False, True], ids=["at its time limit", "cancelled"])
def test_a_hanging_resolver_delays_neither_the_fetch_nor_the_end_of_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_cancelled: bool
) -> None:
    is_called, may_return = threading.Event(), threading.Event()

    def resolve(*_: object, **__: object) -> list[object]:
        is_called.set()
        may_return.wait()
        return []

    async def work() -> None:
        rules = RULES if is_cancelled else FetchRules(seconds=0.5)
        task = asyncio.create_task(fetch("https://slow.example/a", tmp_path / "x", kind="image", rules=rules))
        await wait_for(lambda: is_called.is_set() or task.done())
        if is_cancelled:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        else:
            with pytest.raises(FetchError, match="did not arrive"):
                await task

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    try:
        # The end of `asyncio.run` waits for the loop's own threads.
        asyncio.run(work())
    finally:
        may_return.set()
