"""Connections go to checked addresses only, one after the other, and to hosts that prove their name."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from terrarium_server.media import Fetched, FetchError, FetchRules, _guarded, fetch

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
OPEN = FetchRules(seconds=20, allow_private=True)
CERTIFICATES = Path(__file__).parent / "certificates"

Resolve = Callable[..., None]


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """Make every name resolve to the given addresses, in this order."""

    def to(*addresses: str) -> None:
        def getaddrinfo(_host: str, port: int, **_: object) -> list[object]:
            families = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in addresses]
            return [
                (family, socket.SOCK_STREAM, 6, "", (address, port))
                for family, address in zip(families, addresses, strict=True)
            ]

        monkeypatch.setattr(_guarded.socket, "getaddrinfo", getaddrinfo)

    return to


@asynccontextmanager
async def site(
    heard: list[bytes], *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(PNG), PNG))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, host, 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def fetched(url: str, into: Path, rules: FetchRules = OPEN) -> Fetched:
    return await fetch(url, into, kind="image", rules=rules)


@pytest.mark.parametrize(
    "addresses",
    [("93.184.216.34", "10.0.0.8"), ("10.0.0.8", "93.184.216.34"), ("2606:2800:220:1::1", "fec0::1")],
)
def test_a_name_with_one_private_address_is_refused(
    tmp_path: Path, resolve: Resolve, addresses: tuple[str, ...]
) -> None:
    resolve(*addresses)
    with pytest.raises(FetchError, match="not public"):
        asyncio.run(fetched("https://innocent.example/a.png", tmp_path / "x", FetchRules()))


@pytest.mark.parametrize(
    "others", [("::1",), ("127.0.0.2", "127.0.0.3"), ("::1", "127.0.0.2", "127.0.0.3", "127.0.0.4")]
)
def test_all_addresses_of_a_name_are_tried(tmp_path: Path, resolve: Resolve, others: tuple[str, ...]) -> None:
    async def work() -> None:
        heard: list[bytes] = []
        async with site(heard) as port:
            resolve(*others, "127.0.0.1")
            await fetched(f"http://host.example:{port}/a", tmp_path / "x")
            assert f"\r\nHost: host.example:{port}\r\n".encode() in heard[0]
            resolve(*others)
            with pytest.raises(FetchError, match=f"no connection on port {port}"):
                await fetched(f"http://host.example:{port}/a", tmp_path / "x")

    asyncio.run(work())


@contextmanager
def silent(address: str, port: int) -> Iterator[None]:
    """Make an address ignore new connections, instead of accepting or refusing them."""
    with socket.socket() as listener, socket.socket() as one, socket.socket() as another:
        listener.bind((address, port))
        listener.listen(0)
        for waiting in (one, another):
            waiting.setblocking(False)
            waiting.connect_ex((address, port))
        yield


def test_a_silent_address_leaves_time_for_the_next(tmp_path: Path, resolve: Resolve) -> None:
    async def work() -> None:
        async with site([]) as port:
            with silent("127.0.0.2", port), silent("127.0.0.3", port):
                resolve("127.0.0.2", "127.0.0.3", "127.0.0.1")
                rules = FetchRules(seconds=6, allow_private=True)
                await fetched(f"http://host.example:{port}/a", tmp_path / "x", rules)
                resolve("127.0.0.2")
                with pytest.raises(FetchError, match="no connection"):
                    await fetched(f"http://host.example:{port}/a", tmp_path / "x", rules)

    asyncio.run(work())


def test_a_host_must_prove_the_name_in_the_link(
    tmp_path: Path, resolve: Resolve, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str | None] = []
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(CERTIFICATES / "good.example.pem")
    served.sni_callback = lambda _socket, name, _context: names.append(name)

    async def work() -> None:
        heard: list[bytes] = []
        async with site(heard, tls=served) as port:
            resolve("127.0.0.1")
            url = f"https://good.example:{port}/a"
            # The certificate's authority is not among the usual ones.
            with pytest.raises(FetchError, match="certificate"):
                await fetched(url, tmp_path / "x")
            trusting = ssl.create_default_context(cafile=CERTIFICATES / "authority.pem")
            monkeypatch.setattr(_guarded, "tls_context", lambda: trusting)
            await fetched(url, tmp_path / "x")
            for other in ("other.example", "127.0.0.1"):
                with pytest.raises(FetchError, match="certificate"):
                    await fetched(f"https://{other}:{port}/a", tmp_path / "x")
            assert [head.splitlines()[1] for head in heard] == [f"Host: good.example:{port}".encode()]

    asyncio.run(work())
    assert names == ["good.example", "good.example", "other.example", None]
