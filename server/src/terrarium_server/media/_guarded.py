"""Connections that lead to public addresses only, whatever a name resolves to."""

import socket
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx

from ._fetch import FetchError, FetchRules, is_public


class _GuardedBackend(httpcore.NetworkBackend):
    """Connects only to addresses that everybody may reach."""

    def __init__(self, rules: FetchRules) -> None:
        self._rules = rules
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = _addresses(host, port)
        if not self._rules.allow_private:
            for address in addresses:
                if not is_public(address):
                    raise FetchError("the link leads to an address that is not public")
        return self._plain.connect_tcp(addresses[0], port, timeout, local_address, socket_options)


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchError("the link's host is not known") from error
    return [str(entry[4][0]) for entry in found]


class GuardedTransport(httpx.HTTPTransport):
    """A transport for `fetch`: no proxies, no retries, and only where the rules let it go."""

    def __init__(self, rules: FetchRules) -> None:
        super().__init__(trust_env=False, retries=0)
        backend = _GuardedBackend(rules)
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False), network_backend=backend, http1=True
        )
