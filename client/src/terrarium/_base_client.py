"""What both clients share: their options, and calls that no resource describes."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any, TypedDict

import httpx

from ._config import Config, Headers, Timeout
from ._operation import Operation, WriteOptions


class ClientOptions(TypedDict, total=False):
    """What ``with_options`` can change."""

    api_key: str | None
    base_url: str | httpx.URL
    timeout: Timeout
    max_retries: int
    default_headers: Headers
    default_query: Mapping[str, object]


def constructor_arguments(config: Config, changes: ClientOptions) -> dict[str, Any]:
    """The constructor arguments for a client with the options of ``config`` and these ``changes``."""
    current: dict[str, Any] = {
        "api_key": config.api_key,
        "base_url": config.base_url,
        "timeout": config.timeout,
        "max_retries": config.max_retries,
        "default_headers": config.default_headers,
        "default_query": config.default_query,
    }
    merged: dict[str, Any] = {**current, **changes}
    merged["default_headers"] = {**config.default_headers, **changes.get("default_headers", {})}
    merged["default_query"] = {**config.default_query, **changes.get("default_query", {})}
    return merged


def undocumented(
    method: str,
    path: str,
    *,
    cast_to: Any,
    options: WriteOptions,
    body: Mapping[str, object] | None = None,
    query: Mapping[str, object] | None = None,
) -> Operation[Any]:
    """A call that no resource describes."""
    return Operation(
        method=method,
        path=path,
        shape=cast_to,
        query=query or {},
        body=body,
        writes=method != "GET",
        options=options,
    )


def configure_logging() -> None:
    """Turn on the log of requests (logger ``flora``) when ``FLORA_LOG`` is ``debug`` or ``info``."""
    level = {"debug": logging.DEBUG, "info": logging.INFO}.get(os.environ.get("FLORA_LOG", "").strip())
    log = logging.getLogger("flora")
    if level and not log.level:
        log.setLevel(level)
        if not logging.root.handlers:
            logging.basicConfig()
