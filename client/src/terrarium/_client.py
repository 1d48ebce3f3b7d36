"""The synchronous client."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

import httpx

from ._base_client import ClientOptions, configure_logging, constructor_arguments, undocumented
from ._clock import SYSTEM_CLOCK, Clock
from ._config import (
    DEFAULT_LIMITS,
    DEFAULT_MAX_RETRIES,
    NOT_GIVEN,
    Headers,
    NotGiven,
    Timeout,
    resolve_config,
    trusted_certificates,
)
from ._download import download
from ._driver import Driver
from ._operation import RequestOptions, WriteOptions
from ._version import __version__
from ._wire import RunOutput
from .resources.generations import Generations
from .resources.models import Models
from .resources.projects import Projects
from .resources.runs import Runs
from .resources.workspaces import Workspaces


class Flora:
    """A client of the FLORA API, by default of a Terrarium server on this machine.

    Unless given, ``api_key`` comes from ``FLORA_API_KEY`` or ``TERRARIUM_API_KEY``, and ``base_url`` from
    ``FLORA_BASE_URL``. ``timeout`` is in seconds and applies to each attempt. ``max_retries`` counts the
    attempts after the first. A header whose value is ``Omit()`` is not sent. Without a key the first request
    raises ``MissingAPIKeyError``. Many threads can share one client. Close it, or use it in a ``with`` block.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        base_url: str | httpx.URL | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
        max_retries: int = DEFAULT_MAX_RETRIES,
        default_headers: Headers | None = None,
        default_query: Mapping[str, object] | None = None,
        http_client: httpx.Client | None = None,
        _clock: Clock | None = None,
    ) -> None:
        configure_logging()
        config = resolve_config(
            api_key=api_key,
            base_url=base_url,
            timeout=timeout,
            max_retries=max_retries,
            default_headers=default_headers,
            default_query=default_query,
            user_agent=f"{type(self).__name__}/Python {__version__}",
        )
        http = http_client or httpx.Client(
            timeout=config.timeout,
            limits=DEFAULT_LIMITS,
            follow_redirects=True,
            verify=trusted_certificates(),
        )
        self._driver = Driver(config, http, _clock or SYSTEM_CLOCK)

    @cached_property
    def runs(self) -> Runs:
        """Starting, reading and waiting for runs."""
        return Runs(self._driver)

    @cached_property
    def generations(self) -> Generations:
        """Generations and their history."""
        return Generations(self._driver)

    @cached_property
    def models(self) -> Models:
        """The model catalogue."""
        return Models(self._driver)

    @cached_property
    def projects(self) -> Projects:
        """Projects and their nodes."""
        return Projects(self._driver)

    @cached_property
    def workspaces(self) -> Workspaces:
        """The workspaces of the key."""
        return Workspaces(self._driver)

    @property
    def api_key(self) -> str | None:
        """The key this client sends."""
        return self._driver.config.api_key

    @property
    def base_url(self) -> httpx.URL:
        """The base URL of the API."""
        return self._driver.config.base_url

    @property
    def timeout(self) -> Timeout:
        """How many seconds an attempt may take."""
        return self._driver.config.timeout

    @property
    def max_retries(self) -> int:
        """The number of attempts after the first."""
        return self._driver.config.max_retries

    def with_options(self, **changes: Unpack[ClientOptions]) -> Self:
        """A client with other options and the same connections; ``default_headers`` are added."""
        return type(self)(
            **constructor_arguments(self._driver.config, changes),
            http_client=self._driver.http,
            _clock=self._driver.clock,
        )

    copy = with_options

    def download(
        self,
        output: RunOutput | str,
        *,
        to: str | os.PathLike[str] = ".",
        name: str | None = None,
        overwrite: bool = False,
    ) -> Path:
        """Save an output of a run, or the content of a URL, and return the path of the file.

        ``to`` is a file or a folder. A file must not exist unless ``overwrite`` is set. In a folder a free
        name is chosen, which begins with ``name``. Text outputs contain their text and become ``.txt`` files.

        Raises ``FileExistsError`` when the file exists, and ``FloraError`` when the download fails.
        """
        driver = self._driver
        return driver.run(download(output, to, driver.config, driver.clock, name=name, overwrite=overwrite))

    def get(
        self,
        path: str,
        *,
        cast_to: Any = object,
        query: Mapping[str, object] | None = None,
        **options: Unpack[RequestOptions],
    ) -> Any:
        """``GET`` a path that no resource describes; returns parsed JSON, or ``cast_to``."""
        call = undocumented("GET", path, cast_to=cast_to, query=query, options=WriteOptions(**options))
        return self._driver.exchange(call).parse()

    def post(
        self,
        path: str,
        *,
        cast_to: Any = object,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, object] | None = None,
        **options: Unpack[WriteOptions],
    ) -> Any:
        """``POST`` to a path that no resource describes; returns parsed JSON, or ``cast_to``."""
        call = undocumented("POST", path, cast_to=cast_to, body=body, query=query, options=options)
        return self._driver.exchange(call).parse()

    def patch(
        self,
        path: str,
        *,
        cast_to: Any = object,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, object] | None = None,
        **options: Unpack[WriteOptions],
    ) -> Any:
        """``PATCH`` to a path that no resource describes; returns parsed JSON, or ``cast_to``."""
        call = undocumented("PATCH", path, cast_to=cast_to, body=body, query=query, options=options)
        return self._driver.exchange(call).parse()

    def put(
        self,
        path: str,
        *,
        cast_to: Any = object,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, object] | None = None,
        **options: Unpack[WriteOptions],
    ) -> Any:
        """``PUT`` to a path that no resource describes; returns parsed JSON, or ``cast_to``."""
        call = undocumented("PUT", path, cast_to=cast_to, body=body, query=query, options=options)
        return self._driver.exchange(call).parse()

    def delete(
        self,
        path: str,
        *,
        cast_to: Any = object,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, object] | None = None,
        **options: Unpack[WriteOptions],
    ) -> Any:
        """``DELETE`` to a path that no resource describes; returns parsed JSON, or ``cast_to``."""
        call = undocumented("DELETE", path, cast_to=cast_to, body=body, query=query, options=options)
        return self._driver.exchange(call).parse()

    def close(self) -> None:
        """Close the connections, including those of clients made by ``with_options``."""
        self._driver.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
