"""The options of a client: arguments first, then the environment, then defaults."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import httpx

DEFAULT_BASE_URL = "http://127.0.0.1:8787/api/v1"
DEFAULT_TIMEOUT = httpx.Timeout(60.0, connect=5.0)
DEFAULT_MAX_RETRIES = 2
DEFAULT_LIMITS = httpx.Limits(max_connections=1000, max_keepalive_connections=100)


@cache
def trusted_certificates() -> ssl.SSLContext:
    """The trusted certificates, read once: reading them is the slowest part of making a client."""
    return httpx.create_ssl_context()


class Omit:
    """As the value of a header: do not send this header, even if it has a default."""


class NotGiven:
    """Marks an argument that was not passed, since None is a valid value of some options."""


NOT_GIVEN = NotGiven()

Headers = Mapping[str, str | Omit]
Timeout = float | httpx.Timeout | None


@dataclass(frozen=True, slots=True)
class Config:
    """The resolved options of one client."""

    api_key: str | None
    base_url: httpx.URL
    timeout: Timeout
    max_retries: int
    user_agent: str
    default_headers: Headers = field(default_factory=dict[str, str | Omit])
    default_query: Mapping[str, object] = field(default_factory=dict[str, object])


def with_longer_read(timeout: Timeout, seconds: float) -> Timeout:
    """The same timeout for a response that may begin, or go on, so many seconds later."""
    if timeout is None:
        return None
    timeout = httpx.Timeout(timeout)
    if timeout.read is None:
        return timeout
    return httpx.Timeout(
        connect=timeout.connect, write=timeout.write, pool=timeout.pool, read=timeout.read + seconds
    )


def resolve_config(
    *,
    api_key: str | None,
    base_url: str | httpx.URL | None,
    timeout: Timeout | NotGiven,
    max_retries: int,
    default_headers: Headers | None,
    default_query: Mapping[str, object] | None,
    user_agent: str,
) -> Config:
    """Fill in the options that the caller did not pass."""
    if max_retries < 0:
        raise ValueError("max_retries must be 0 or more")
    url = httpx.URL(base_url or _env("FLORA_BASE_URL") or DEFAULT_BASE_URL)
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"base_url must be an http or https URL, got {str(url)!r}")
    return Config(
        api_key=api_key or _env("FLORA_API_KEY") or _env("TERRARIUM_API_KEY"),
        base_url=url.copy_with(path=url.path.rstrip("/") + "/"),
        timeout=DEFAULT_TIMEOUT if isinstance(timeout, NotGiven) else timeout,
        max_retries=max_retries,
        user_agent=user_agent,
        default_headers={**_custom_headers(), **(default_headers or {})},
        default_query=dict(default_query or {}),
    )


def _env(name: str) -> str | None:
    return os.environ.get(name, "").strip() or None


def _custom_headers() -> dict[str, str | Omit]:
    """``FLORA_CUSTOM_HEADERS``: one ``Name: value`` per line; explicit headers override them."""
    lines = (line.partition(":") for line in (_env("FLORA_CUSTOM_HEADERS") or "").splitlines())
    return {name.strip(): value.strip() for name, colon, value in lines if colon and name.strip()}
