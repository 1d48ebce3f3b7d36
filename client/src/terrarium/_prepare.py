"""Building the request of an operation: URL, headers and body. Pure functions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote

import httpx

from ._config import Config, Headers, Omit
from ._errors import NO_KEY, MissingAPIKeyError
from ._operation import Operation, Request


def prepare(operation: Operation[Any], config: Config, idempotency_key: str | None) -> Request:
    """The request that every attempt of this call sends.

    Raises ``MissingAPIKeyError`` without a key.
    """
    options = operation.options
    body = operation.body
    if extra := options.get("extra_body"):
        body = {**(body or {}), **extra}
    url = _url(
        config.base_url, operation.path, config.default_query, operation.query, options.get("extra_query", {})
    )
    layers: list[Headers] = [
        {"idempotency-key": idempotency_key} if idempotency_key else {},
        {"accept": "application/json", "user-agent": config.user_agent},
        authorization(config, url),
        config.default_headers,
        {"content-type": "application/json"} if body is not None else {},
        options.get("extra_headers", {}),
    ]
    merged: dict[str, str | Omit] = {}
    for layer in layers:
        merged |= {name.lower(): value for name, value in layer.items()}
    if "authorization" not in merged and same_origin(config.base_url, url):
        raise MissingAPIKeyError(NO_KEY)
    return Request(
        method=operation.method,
        url=url,
        headers={name: value for name, value in merged.items() if not isinstance(value, Omit)},
        content=None if body is None else _json(body),
        timeout=options.get("timeout", config.timeout),
    )


def authorization(config: Config, url: httpx.URL) -> dict[str, str]:
    """The header with the key. Only the server of ``base_url`` gets it."""
    if config.api_key and same_origin(config.base_url, url):
        return {"authorization": f"Bearer {config.api_key}"}
    return {}


def same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    """Whether two URLs have scheme, host and port in common."""
    return (one.scheme, one.host, _port(one)) == (other.scheme, other.host, _port(other))


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _url(base: httpx.URL, path: str, *queries: Mapping[str, object]) -> httpx.URL:
    url = httpx.URL(path) if path.startswith(("http://", "https://")) else base.join(path.lstrip("/"))
    pairs: dict[str, object] = {}
    for query in queries:
        pairs |= query
    if not pairs:
        return url
    parts = [part for part in [url.query.decode("ascii")] if part]
    parts += [f"{quote(name, safe='')}={_value(name, value)}" for name, value in pairs.items()]
    return url.copy_with(query="&".join(parts).encode("ascii"))


def _value(name: str, value: object) -> str:
    """One query value; None is sent as an empty value, which the API allows."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return quote(str(value), safe="")
    raise TypeError(f"query parameter {name!r} must be a string, a number or a boolean, not {type(value)}")


def _json(body: Mapping[str, object]) -> bytes:
    text = json.dumps(cast("Any", body), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    try:
        # In a locale without UTF-8, arguments and file names have surrogates for the bytes beyond ASCII.
        content = text.encode("utf-8", errors="surrogateescape")
        content.decode("utf-8")
    except UnicodeError:
        # Another lone surrogate has no UTF-8 form. It is replaced, because the server would refuse the body.
        return text.encode("utf-8", errors="replace")
    return content
