"""One download: its connection, its redirects, its limits. Imported with the first fetch of a process."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import BinaryIO

import httpcore

from terrarium_server import USER_AGENT

from . import _guarded
from ._inflate import inflated
from ._links import FetchError, FetchRules, check_link, join_link
from ._sniff import HEAD_BYTES, MediaKind, is_kind, sniff, with_article

_REDIRECTS = 5
_WRITE_BYTES = 1 << 20
# How long a host that sends many small chunks may occupy the event loop.
_TURN_SECONDS = 0.01


async def download(url: str, into: Path, kind: MediaKind, rules: FetchRules) -> tuple[str, int]:
    """Fetch a link into a file and return its media type and size in bytes. See `fetch`.

    Raises FetchError, OSError.
    """
    # In a thread, because loading the certificate authorities is slow the first time.
    tls = await asyncio.to_thread(_guarded.tls_context)
    async with _guarded.guarded_pool(rules, tls) as pool:
        return await _follow(pool, url, into, kind, rules)


async def _follow(
    pool: httpcore.AsyncConnectionPool, url: str, into: Path, kind: MediaKind, rules: FetchRules
) -> tuple[str, int]:
    link = check_link(url, rules)
    try:
        for _ in range(_REDIRECTS + 1):
            target = httpcore.URL(
                scheme=link.raw_scheme, host=link.raw_host, port=link.port, target=link.raw_path
            )
            headers = [
                ("Host", link.netloc.decode("ascii")),
                ("User-Agent", USER_AGENT),
                ("Accept", "*/*"),
                ("Accept-Encoding", "identity"),
            ]
            async with pool.stream("GET", target, headers=headers) as response:
                location = _header(response, b"location")
                if response.status in (301, 302, 303, 307, 308) and location:
                    link = join_link(link, location, rules)
                    continue
                if response.status != 200:
                    raise FetchError(f"the link answered {response.status}")
                return await _store(response, into, kind, rules)
    except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError) as error:
        raise FetchError(f"the link could not be fetched: {error or 'the connection broke off'}") from error
    raise FetchError(f"the link redirects more than {_REDIRECTS} times")


async def _store(
    response: httpcore.Response, into: Path, kind: MediaKind, rules: FetchRules
) -> tuple[str, int]:
    """Write a response's body to a file, and check its type."""
    size, head, buffer = 0, b"", bytearray()
    with _new_file(into) as file:
        encodings = [value.decode("latin-1") for value in _headers(response, b"content-encoding")]
        async with aclosing(_body(response, rules)) as body, aclosing(inflated(body, encodings)) as chunks:
            async for chunk in chunks:
                size += len(chunk)
                _check_size(size, rules)
                head += chunk[: HEAD_BYTES - len(head)]
                buffer += chunk
                if len(buffer) >= _WRITE_BYTES:
                    await asyncio.to_thread(file.write, buffer)
                    buffer = bytearray()
        await asyncio.to_thread(file.write, buffer)
        if not size:
            raise FetchError("the link answered with an empty file")
        content_type = sniff(head)
        if content_type is None or not is_kind(content_type, kind):
            raise FetchError(f"the file is {content_type or 'of an unknown type'}, not {with_article(kind)}")
    return content_type, size


async def _body(response: httpcore.Response, rules: FetchRules) -> AsyncGenerator[bytes]:
    """Yield the body as it arrives. Raises FetchError if it is too large."""
    clock = asyncio.get_running_loop().time
    _check_size(int(_header(response, b"content-length") or 0), rules)
    size, turn_began = 0, clock()
    async for chunk in response.aiter_stream():
        size += len(chunk)
        _check_size(size, rules)
        if clock() - turn_began > _TURN_SECONDS:
            await asyncio.sleep(0)
            turn_began = clock()
        yield chunk


@contextmanager
def _new_file(path: Path) -> Generator[BinaryIO]:
    """Open a file to be written; if the block fails, the file is deleted."""
    try:
        # Closing waits for a write that is still running in a thread.
        with path.open("wb") as file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _check_size(size: int, rules: FetchRules) -> None:
    if size > rules.max_bytes:
        raise FetchError(f"the file is larger than {rules.max_bytes / (1 << 20):.4g} MiB")


def _headers(response: httpcore.Response, name: bytes) -> list[bytes]:
    return [value for key, value in response.headers if key.lower() == name]


def _header(response: httpcore.Response, name: bytes) -> bytes | None:
    return next(iter(_headers(response, name)), None)
