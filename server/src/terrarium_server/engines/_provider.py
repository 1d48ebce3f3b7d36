"""The ground that engines for providers stand on: HTTP calls that cannot leak the key or be paid twice.

    provider = Provider.for_engine(setup, options)
    try:
        answer = provider.json("POST", "/predictions", body={...}, idempotency_key=job.key)
    except ProviderError as error:
        raise error.refused() from error

Every call goes over a connection of its own: a kept one may be dead, and then nobody could tell whether a
request that costs money had arrived. Nothing but the fetching of a result is ever tried twice from here.
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack, cast
from urllib.parse import urljoin, urlsplit

from pydantic import Field, SecretStr

from ._contract import Failed, Output
from ._failures import (
    ProviderError,
    clean,
    invalid_answer,
    moderated,
    moderation,
    refused_answer,
    retry_after,
)
from ._line import Line
from ._outputs import MediaKind, data_url_bytes, media_output
from ._polls import Polls

# It takes a while to import, and most servers have no provider.
if TYPE_CHECKING:
    import httpx
from ._setup import EngineOptions, Setup

__all__ = [
    "Answer",
    "Line",
    "MediaKind",
    "Polls",
    "Provider",
    "ProviderError",
    "ProviderOptions",
    "Request",
    "Stream",
    "clean",
    "invalid_answer",
    "media_output",
    "moderated",
    "moderation",
    "refused_answer",
    "retry_after",
]

_CONNECT_SECONDS = 10.0
_ANSWER_SECONDS = 60.0
_MAX_BYTES = 256 << 20
_ERROR_BYTES = 64 << 10
_DOWNLOAD_PAUSES = (0.5, 2.0)


class ProviderOptions(EngineOptions):
    """What every provider's engine takes; a kind with a usual address gives ``url`` a default."""

    url: str = Field(pattern=r"^https?://[^\s@?#]+$", description="The root of the provider's API.")
    timeout_seconds: float = Field(
        default=600.0,
        gt=0,
        le=7200,
        description="How long to wait for the answer to a call that makes something.",
    )
    proxy: str | None = Field(
        default=None,
        pattern=r"^https?://\S+$",
        description="An HTTP proxy; those of the environment are not used.",
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer with a 2xx status; ``headers`` by their names in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer with a 2xx status that is still arriving: take its ``lines``, or ``read`` all of it."""

    status: int
    headers: Mapping[str, str]
    lines: Callable[[], Iterator[str]]
    read: Callable[[], bytes]


class Request(TypedDict, total=False):
    """What a call may have: ``body`` is sent as JSON, ``data`` and ``files`` as multipart (as httpx has it).

    ``text``: a text is asked for, and refusing for content has a code of its own. With a ``line``, another
    thread can hang up. ``seconds`` is how long all of it may take: for a POST the engine's
    ``timeout_seconds`` if it is not given, for all else a minute.
    """

    body: Any
    query: Mapping[str, str]
    data: Mapping[str, Any]
    files: Any
    headers: Mapping[str, str]
    idempotency_key: str
    line: Line | None
    text: bool
    seconds: float


class Provider:
    """An HTTP API with a base address and a key. Threads may share it."""

    def __init__(
        self,
        name: str,
        url: str,
        *,
        key: SecretStr | None = None,
        key_env: str | None = None,
        key_header: str = "Authorization",
        key_prefix: str = "Bearer ",
        timeout_seconds: float = 600.0,
        proxy: str | None = None,
    ) -> None:
        """Speak to ``url``; ``name`` is the engine's, for messages. Nothing is opened yet."""
        self.who = f"The provider of engine {name!r}"
        self.url = url.rstrip("/")
        self._key, self._key_env = key, key_env
        self._key_header, self._key_prefix = key_header, key_prefix
        self._timeout_seconds = timeout_seconds
        self._proxy = proxy
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None

    @classmethod
    def for_engine(
        cls,
        setup: Setup,
        options: ProviderOptions,
        *,
        key_header: str = "Authorization",
        key_prefix: str = "Bearer ",
    ) -> Self:
        """Make one from what the owner configured."""
        return cls(
            setup.name,
            options.url,
            key=setup.key,
            key_env=setup.key_env,
            key_header=key_header,
            key_prefix=key_prefix,
            timeout_seconds=options.timeout_seconds,
            proxy=options.proxy,
        )

    def __repr__(self) -> str:
        return f"Provider({self.url!r})"

    def key_problem(self, *, required: bool) -> str | None:
        """Say that the key is missing and what to do, or None."""
        if self._key is not None:
            return None
        if self._key_env is not None:
            return f"set the environment variable {self._key_env} to the provider's API key"
        return (
            'name the environment variable of the API key in [[engine]]: key_env = "…"' if required else None
        )

    def json(self, method: str, path: str, **request: Unpack[Request]) -> dict[str, Any]:
        """Call and return the JSON object of the answer. Raises ProviderError."""
        with self.stream(method, path, **request) as answer:
            return self.parse(answer.read())

    def content(self, method: str, path: str, **request: Unpack[Request]) -> Answer:
        """Call and return the bytes of the answer. Raises ProviderError."""
        with self.stream(method, path, **request) as answer:
            return Answer(answer.status, answer.headers, answer.read())

    def parse(self, content: bytes | str) -> dict[str, Any]:
        """Return the JSON object that this is. Raises ProviderError if it is none."""
        try:
            document = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise invalid_answer(self.who, "something that is not JSON") from error
        if not isinstance(document, dict):
            raise invalid_answer(self.who, "JSON that is not an object")
        return cast(dict[str, Any], document)

    @contextmanager
    def stream(self, method: str, path: str, **request: Unpack[Request]) -> Generator[Stream]:
        """Call, and give the answer while it arrives. Raises ProviderError, also while it is read.

        ``path`` is below the base address, or a whole address of the same host.
        """
        import httpx

        usual = self._timeout_seconds if method == "POST" else min(_ANSWER_SECONDS, self._timeout_seconds)
        seconds = request.get("seconds", usual)
        deadline = time.monotonic() + seconds
        sent = dict(request.get("headers") or {})
        if idempotency_key := request.get("idempotency_key"):
            sent["Idempotency-Key"] = idempotency_key
        if self._key is not None:
            sent[self._key_header] = self._key_prefix + self._key.get_secret_value()
        line = request.get("line")
        try:
            with self._open().stream(
                method,
                self._address(path),
                params=request.get("query"),
                json=request.get("body"),
                data=request.get("data"),
                files=request.get("files"),
                headers=sent,
                timeout=httpx.Timeout(seconds, connect=min(_CONNECT_SECONDS, seconds)),
                extensions={"trace": line.trace} if line is not None else {},
            ) as response:
                arrived = {name.lower(): value for name, value in response.headers.items()}
                if not response.is_success:
                    said = self._scrubbed(_head(response.iter_bytes()))
                    raise refused_answer(
                        self.who,
                        response.status_code,
                        arrived,
                        said,
                        text=request.get("text", False),
                        key_env=self._key_env or "",
                    )
                yield Stream(
                    response.status_code,
                    arrived,
                    lambda: self._lines(response, deadline),
                    lambda: b"".join(self._chunks(response, deadline)),
                )
        except httpx.RequestError as error:
            raise self._unanswered(error) from error
        except httpx.InvalidURL as error:
            raise invalid_answer(self.who, "an address that is none") from error

    def download(self, url: str, kind: MediaKind, *, line: Line | None = None) -> Output:
        """Fetch a result that an answer names. Raises ProviderError.

        The key goes to the provider's own host alone; another may be reached only if everybody can reach
        it, unless the provider itself is on this network (its url starts with http://).
        """
        if url.startswith("data:"):
            return media_output(self.who, data_url_bytes(self.who, url), kind)
        if not url.startswith(("https://", "http://")) or _origin(url) == _origin(self.url):
            try:
                return media_output(self.who, self._result(url, line).content, kind)
            except ProviderError as error:
                moved = error.headers.get("location")
                if error.status not in (301, 302, 303, 307, 308) or not moved:
                    raise
                url = urljoin(self._address(url), moved)
        return self._fetch(url, kind)

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _result(self, url: str, line: Line | None) -> Answer:
        # It was paid for: a hiccup must not lose it, and asking again costs nothing.
        for pause in _DOWNLOAD_PAUSES:
            try:
                return self.content("GET", url, line=line, seconds=self._timeout_seconds)
            except ProviderError as error:
                late = error.failure.code == "GENERATION_PROVIDER_TIMEOUT"
                if not error.passes or late or (line is not None and line.hung_up):
                    raise
                time.sleep(pause)
        return self.content("GET", url, line=line, seconds=self._timeout_seconds)

    def _open(self) -> httpx.Client:
        import httpx

        with self._lock:
            if self._client is None:
                self._client = httpx.Client(
                    trust_env=False,
                    proxy=self._proxy,
                    limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
                    # What is not compressed cannot unfold beyond the limits below.
                    headers={"User-Agent": "terrarium-server", "Accept-Encoding": "identity"},
                )
            return self._client

    def _address(self, path: str) -> str:
        if not path.startswith(("https://", "http://")):
            return f"{self.url}/{path.lstrip('/')}"
        if _origin(path) != _origin(self.url):
            raise invalid_answer(self.who, "an address of another host")
        return path

    def _chunks(self, response: httpx.Response, deadline: float) -> Iterator[bytes]:
        size = 0
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > _MAX_BYTES:
                raise invalid_answer(self.who, f"more than {_MAX_BYTES >> 20} MiB")
            if time.monotonic() > deadline:
                raise ProviderError(self._late())
            yield chunk

    def _lines(self, response: httpx.Response, deadline: float) -> Iterator[str]:
        rest = b""
        for chunk in self._chunks(response, deadline):
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                yield line.rstrip(b"\r").decode("utf-8", "replace")
        if rest:
            yield rest.decode("utf-8", "replace")

    def _scrubbed(self, body: bytes) -> bytes:
        if self._key is None:
            return body
        return body.replace(self._key.get_secret_value().encode(), b"[secret]")

    def _unanswered(self, error: httpx.RequestError) -> ProviderError:
        import httpx

        match error:
            case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.PoolTimeout() | httpx.ProxyError():
                failure = Failed(
                    "GENERATION_FAILED_TO_START",
                    f"{self.who} could not be reached; try once more, or have the owner of this server check "
                    "the engine's url.",
                )
                return ProviderError(failure, sent=False)
            case httpx.TimeoutException():
                return ProviderError(self._late())
            case httpx.DecodingError():
                return invalid_answer(self.who, "something that cannot be decoded")
            case _:
                message = (
                    f"The connection to {self.who[0].lower()}{self.who[1:]} broke before its answer came; "
                )
                remedy = "it may have charged for this. Try once more."
                return ProviderError(Failed("GPU_PROVIDER_ERROR", message + remedy))

    def _late(self) -> Failed:
        return Failed(
            "GENERATION_PROVIDER_TIMEOUT",
            f"{self.who} did not answer in time (timeout_seconds in [[engine]]); try once more.",
        )

    def _fetch(self, url: str, kind: MediaKind) -> Output:
        import httpx

        from terrarium_server.media import FetchError, FetchRules, fetch

        rules = FetchRules(
            max_bytes=_MAX_BYTES, seconds=self._timeout_seconds, allow_private=self.url.startswith("http://")
        )
        with tempfile.TemporaryDirectory() as folder:
            into = Path(folder, "result")
            try:
                fetch(url, into, kind=kind, rules=rules)
            except (FetchError, httpx.InvalidURL, ValueError) as error:
                raise invalid_answer(self.who, f"a result that cannot be fetched ({error})") from error
            return media_output(self.who, into.read_bytes(), kind)


def _head(chunks: Iterator[bytes]) -> bytes:
    body = b""
    for chunk in chunks:
        body += chunk
        if len(body) >= _ERROR_BYTES:
            break
    return body[:_ERROR_BYTES]


def _origin(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return url, None, None
