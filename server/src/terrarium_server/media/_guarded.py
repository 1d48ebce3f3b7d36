"""Connections to public addresses only, whatever a name resolves to."""

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

# Long enough for a lost packet to be sent again twice.
_CONNECT_SECONDS = 5.0


@asynccontextmanager
async def guarded_pool(
    rules: FetchRules, tls: ssl.SSLContext
) -> AsyncGenerator[httpcore.AsyncConnectionPool]:
    """Yield a pool of connections for one fetch: no proxies, no retries, and only to where the rules allow.

    Certificates are checked against the name in the link. All connections are closed afterwards.
    """
    backend = _GuardedBackend(rules)
    try:
        async with httpcore.AsyncConnectionPool(ssl_context=tls, network_backend=backend) as pool:
            yield pool
    finally:
        # The pool itself does not close a connection that was cancelled during its handshake.
        for stream in backend.opened:
            await stream.aclose()


@functools.cache
def tls_context() -> ssl.SSLContext:
    """Return a context with the usual certificate authorities; environment variables are ignored."""
    return httpx.create_ssl_context(trust_env=False)


class _GuardedBackend(httpcore.AsyncNetworkBackend):
    """Resolves a name once, checks all its addresses, and connects to one of them."""

    def __init__(self, rules: FetchRules) -> None:
        self.opened: list[httpcore.AsyncNetworkStream] = []
        self._rules = rules
        # To a type checker, its class is a union of two.
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
        # An address that accepts no connection must leave time for the others and for the file.
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
    # The system's resolver may take minutes, and cannot be cancelled.
    try:
        entries = await in_own_thread(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except (OSError, ValueError) as error:
        raise FetchError("the link's host is not known") from error
    counts: Counter[int] = Counter()
    ranked: list[tuple[int, str]] = []
    for address in dict.fromkeys(str(entry[4][0]) for entry in entries):
        version = ipaddress.ip_address(address).version
        ranked.append((counts[version], address))
        counts[version] += 1
    return [address for _, address in sorted(ranked, key=lambda rank: rank[0])]
