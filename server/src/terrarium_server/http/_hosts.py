"""The address in links to this server: built from known hosts only, whatever a request says.

A host is known if it is a name or an address of this machine, if the owner lists it, or if a trusted proxy
names it. A request for any other host is answered too, with links to the address at which this machine can be
reached.
"""

import ipaddress
import logging
import re
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import NamedTuple

from starlette.types import Scope

_log = logging.getLogger(__name__)

_AUTHORITY = re.compile(
    r"(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9_](?:[a-z0-9._-]{0,251}[a-z0-9_])?)\.?)(?::([0-9]{1,5}))?"
)
_PREFIX = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*){1,8}")
_MAX_PREFIX = 200
_DEFAULT_PORTS = {"http": 80, "https": 443}
# The port is not used: nothing is sent.
_ANY_PORT = 9
# So many unknown hosts are logged by one process.
_MAX_WARNINGS = 10


class _Host(NamedTuple):
    """A name in lower case or an address, and a port if one was given."""

    name: str | IPv4Address | IPv6Address
    port: int | None


class KnownHosts:
    """Says under which URL a request reached this server.

    ``public_url`` is used for all links if it is set. ``names`` are names and addresses that are known
    besides those of this machine. From a peer in ``trusted_proxies`` these headers are believed:
    ``X-Forwarded-Proto``, ``X-Forwarded-Host`` (without it ``Host``) and ``X-Forwarded-Prefix``; of several
    values the last, which the proxy itself has added.
    """

    def __init__(
        self,
        public_url: str | None = None,
        names: Iterable[str] = (),
        trusted_proxies: Iterable[IPv4Network | IPv6Network] = (),
    ) -> None:
        self._public_url = public_url
        machine = socket.gethostname()
        short = machine.partition(".")[0]
        # `.local` is the name that machines announce in their own network (mDNS).
        self._names = {_name(name) for name in ("localhost", machine, short, f"{short}.local", *names)}
        self._trusted_proxies = tuple(trusted_proxies)
        self._warned: set[str] = set()

    def base_url(self, scope: Scope) -> str:
        """Return the URL under which the client reached this server, without a trailing slash."""
        if self._public_url is not None:
            return self._public_url
        # A list of runs asks for it once for each run.
        state = scope.setdefault("state", {})
        url: str | None = state.get("base_url")
        if url is None:
            url = state["base_url"] = self._base_url(scope)
        return url

    def _base_url(self, scope: Scope) -> str:
        scheme: str = scope["scheme"]
        prefix = ""
        hosts = _values(scope, b"host")
        host = _parse(hosts[0]) if len(hosts) == 1 else None
        if self._is_trusted(_client(scope)):
            proto = _last(scope, b"x-forwarded-proto").lower()
            scheme = proto if proto in _DEFAULT_PORTS else scheme
            host = _parse(_last(scope, b"x-forwarded-host")) or host
            prefix = _prefix(_last(scope, b"x-forwarded-prefix"))
        elif host is None or not self._is_known(host, scope):
            host = None
        if host is None:
            host = _reachable(scope)
            self._warn(hosts, host)
        return f"{scheme}://{_show(host, scheme)}{prefix}"

    def _is_trusted(self, client: IPv4Address | IPv6Address | None) -> bool:
        return client is not None and any(client in network for network in self._trusted_proxies)

    def _is_known(self, host: _Host, scope: Scope) -> bool:
        name = host.name
        if isinstance(name, str):
            return name in self._names or name.endswith(".localhost") or name == scope["server"][0]
        return name in self._names or name.is_loopback or _is_own(name)

    def _warn(self, hosts: list[str], used: _Host) -> None:
        asked = ", ".join(hosts)[:100]
        if asked and asked not in self._warned and len(self._warned) < _MAX_WARNINGS:
            self._warned.add(asked)
            _log.warning(
                "the host %r of a request is not known, so its links lead to %s; if clients use that host, "
                "set TERRARIUM_PUBLIC_URL, TERRARIUM_KNOWN_HOSTS or TERRARIUM_TRUSTED_PROXIES",
                asked,
                used.name,
            )


def _values(scope: Scope, name: bytes) -> list[str]:
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    return [value.decode("latin-1") for key, value in headers if key == name]


def _last(scope: Scope, name: bytes) -> str:
    """Return the last value of a header that is a list; empty without one."""
    return ",".join(_values(scope, name)).rpartition(",")[2].strip()


def _parse(text: str) -> _Host | None:
    """Read ``name``, ``address`` or ``[address]``, each with or without a port; None for anything else."""
    match = _AUTHORITY.fullmatch(text.strip().lower())
    if match is None:
        return None
    in_brackets, plain, port = match.groups()
    number = int(port) if port else None
    if number == 0 or (number or 0) > 65535:
        return None
    name = _name(in_brackets or plain)
    return None if in_brackets and isinstance(name, str) else _Host(name, number)


def _name(text: str) -> str | IPv4Address | IPv6Address:
    """Return an address, or a name in lower case."""
    try:
        return _address(text)
    except ValueError:
        return text.lower().removesuffix(".")


def _address(text: str) -> IPv4Address | IPv6Address:
    """Read an address; one of IPv4 that is written as IPv6 becomes what it is. Raises ValueError."""
    address = ipaddress.ip_address(text)
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def _prefix(text: str) -> str:
    """Return the path below which a proxy serves this server; empty for none or an unusable one."""
    path = text.rstrip("/")
    return path if len(path) <= _MAX_PREFIX and _PREFIX.fullmatch(path) else ""


def _client(scope: Scope) -> IPv4Address | IPv6Address | None:
    try:
        return _address(scope["client"][0])
    except (TypeError, ValueError):
        return None


def _reachable(scope: Scope) -> _Host:
    """Return the address at which this client can reach the server."""
    name, port = scope["server"]
    port = int(port) if port else None
    try:
        address = _address(name)
    except ValueError:
        return _Host(name, port)
    if not address.is_unspecified:
        return _Host(address, port)
    # A server that listens on all addresses is reached at the one that leads to the client.
    client = _client(scope)
    source = _source(client) if client is not None else None
    # The name stands in for an address that means nothing to others (`fe80::1%eth0`).
    return _Host(socket.gethostname() if source is None or source.is_link_local else source, port)


def _is_own(address: IPv4Address | IPv6Address) -> bool:
    """Whether this machine has the address: packets to an address of its own come from that address."""
    return not address.is_unspecified and _source(address) == address


def _source(towards: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address | None:
    """Return the address of this machine from which packets to another address come; sends nothing."""
    family = socket.AF_INET if towards.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(towards), _ANY_PORT))
            return _address(probe.getsockname()[0])
    except OSError:
        return None


def _show(host: _Host, scheme: str) -> str:
    name = f"[{host.name}]" if isinstance(host.name, IPv6Address) else str(host.name)
    return name if host.port in (None, _DEFAULT_PORTS[scheme]) else f"{name}:{host.port}"
