"""Fetching what a link names, without letting anybody reach into this machine or its network.

Only https to public addresses: every name is resolved here, every address is checked, and the connection
goes to the very address that was checked, so that a name cannot change its mind in between. Redirects are
checked again. Size, type and the whole time are bounded.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Generator
from contextlib import AbstractAsyncContextManager, aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from terrarium_server import USER_AGENT

from ._inflate import inflated
from ._links import FetchError, FetchRules, check_link, join_link
from ._sniff import HEAD_BYTES, Kind, article, is_kind, sniff

# Most servers never fetch anything: what it takes is imported when something is.
if TYPE_CHECKING:
    import httpcore

_REDIRECTS = 5
_WRITE_BYTES = 1 << 20
# How long the loop may be held by a host that sends many small pieces at once.
_TURN_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was fetched, and its type as its first bytes tell it."""

    path: Path
    content_type: str
    size_bytes: int


async def fetch(url: str, into: Path, *, kind: Kind, rules: FetchRules) -> Fetched:
    """Fetch ``url`` into the file ``into``; it must be of this kind.

    Ends within ``rules.seconds`` whatever the host does, and at once when it is cancelled. If it fails there
    is no file. Raises FetchError, and OSError if the file cannot be written.
    """
    try:
        async with asyncio.timeout(rules.seconds):
            async with await asyncio.to_thread(_open_pool, rules) as pool:
                return await _fetch(pool, url, into, kind, rules)
    except TimeoutError as error:
        raise FetchError(f"the file did not arrive within {rules.seconds:.0f} s") from error


def _open_pool(rules: FetchRules) -> AbstractAsyncContextManager[httpcore.AsyncConnectionPool]:
    # In a thread: the import, and reading whom to trust, take a while the first time.
    from ._guarded import guarded_pool, tls_context

    return guarded_pool(rules, tls_context())


async def _fetch(
    pool: httpcore.AsyncConnectionPool, url: str, into: Path, kind: Kind, rules: FetchRules
) -> Fetched:
    import httpcore

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
            async with pool.stream("GET", target, headers=headers) as answer:
                if answer.status in (301, 302, 303, 307, 308) and (moved := _header(answer, b"location")):
                    link = join_link(link, moved, rules)
                    continue
                if answer.status != 200:
                    raise FetchError(f"the link answered {answer.status}")
                return await _keep(answer, into, kind, rules)
    except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError) as error:
        raise FetchError(f"the link could not be fetched: {error or 'the connection broke off'}") from error
    raise FetchError(f"the link redirects more than {_REDIRECTS} times")


async def _keep(answer: httpcore.Response, into: Path, kind: Kind, rules: FetchRules) -> Fetched:
    """Write an answer's body to a file, and look at what it is."""
    size, head, waiting = 0, b"", bytearray()
    with _new_file(into) as file:
        encodings = [value.decode("latin-1") for value in _headers(answer, b"content-encoding")]
        async with aclosing(_arriving(answer, rules)) as body, aclosing(inflated(body, encodings)) as pieces:
            async for piece in pieces:
                size += len(piece)
                _check_size(size, rules)
                head += piece[: HEAD_BYTES - len(head)]
                waiting += piece
                if len(waiting) >= _WRITE_BYTES:
                    await asyncio.to_thread(file.write, waiting)
                    waiting = bytearray()
        await asyncio.to_thread(file.write, waiting)
        if not size:
            raise FetchError("the link answered with an empty file")
        content_type = sniff(head)
        if content_type is None or not is_kind(content_type, kind):
            raise FetchError(f"the file is {content_type or 'of an unknown type'}, not {article(kind)}")
    return Fetched(into, content_type, size)


async def _arriving(answer: httpcore.Response, rules: FetchRules) -> AsyncGenerator[bytes]:
    """Give the body as it arrives."""
    clock = asyncio.get_running_loop().time
    _check_size(int(_header(answer, b"content-length") or 0), rules)
    arrived, turned = 0, clock()
    async for chunk in answer.aiter_stream():
        arrived += len(chunk)
        _check_size(arrived, rules)
        if clock() - turned > _TURN_SECONDS:
            await asyncio.sleep(0)
            turned = clock()
        yield chunk


@contextmanager
def _new_file(path: Path) -> Generator[BinaryIO]:
    """Open a file to be written; if the block fails it is removed."""
    try:
        # Closing waits for a write that a thread is still at.
        with path.open("wb") as file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _check_size(size: int, rules: FetchRules) -> None:
    if size > rules.max_bytes:
        raise FetchError(f"the file is larger than {rules.max_bytes / (1 << 20):.4g} MiB")


def _headers(answer: httpcore.Response, name: bytes) -> list[bytes]:
    return [value for key, value in answer.headers if key.lower() == name]


def _header(answer: httpcore.Response, name: bytes) -> bytes | None:
    return next(iter(_headers(answer, name)), None)
