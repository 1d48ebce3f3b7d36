"""Connections that lead to public addresses only, whatever a name resolves to."""

import functools
import ipaddress
import socket
import ssl
from collections import Counter
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import cast

import httpcore
import httpx

from ._addresses import is_public
from ._links import NOT_PUBLIC, FetchError, FetchRules
from ._thread import in_own_thread

# Long enough for a lost packet that is sent again twice.
_CONNECT_SECONDS = 5.0


@asynccontextmanager
async def guarded_pool(
    rules: FetchRules, tls: ssl.SSLContext
) -> AsyncGenerator[httpcore.AsyncConnectionPool]:
    """Give connections for one fetch: no proxies, nothing tried twice, and only where the rules let it go.

    Certificates are checked for the name in the link. No connection is open afterwards.
    """
    backend = _GuardedBackend(rules)
    try:
        async with httpcore.AsyncConnectionPool(ssl_context=tls, network_backend=backend) as pool:
            yield pool
    finally:
        # The pool forgets one that was cancelled in the middle of its handshake.
        for stream in backend.opened:
            await stream.aclose()


@functools.cache
def tls_context() -> ssl.SSLContext:
    """Whom is believed that a host is what it says; the environment is not asked."""
    return httpx.create_ssl_context(trust_env=False)


class _GuardedBackend(httpcore.AsyncNetworkBackend):
    """Resolves a name once, checks all its addresses, and connects to one of those and nothing else."""

    def __init__(self, rules: FetchRules) -> None:
        self.opened: list[httpcore.AsyncNetworkStream] = []
        self._rules = rules
        # To a type checker its class is either of two.
        self._plain = cast(httpcore.AsyncNetworkBackend, httpcore.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await _addresses(host, port)
        if not self._rules.allow_private and not all(map(is_public, addresses)):
            raise FetchError(NOT_PUBLIC)
        # One that takes no connection must leave the others, and the file, their time.
        share = min(_CONNECT_SECONDS, self._rules.seconds / 2 / len(addresses))
        for address in addresses:
            try:
                stream = await self._plain.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.NetworkError, httpcore.TimeoutException):
                continue
            self.opened.append(stream)
            return stream
        raise FetchError(f"the link's host takes no connection on port {port}; is the link right?")


async def _addresses(host: str, port: int) -> list[str]:
    """Return all addresses of a host, in the system's order, but IPv6 and IPv4 in turn."""
    # The system's resolver may take minutes, and nothing stops it.
    try:
        found = await in_own_thread(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except (OSError, ValueError) as error:
        raise FetchError("the link's host is not known") from error
    seen: Counter[int] = Counter()
    turns: list[tuple[int, str]] = []
    for address in dict.fromkeys(str(entry[4][0]) for entry in found):
        version = ipaddress.ip_address(address).version
        turns.append((seen[version], address))
        seen[version] += 1
    return [address for _, address in sorted(turns, key=lambda turn: turn[0])]
