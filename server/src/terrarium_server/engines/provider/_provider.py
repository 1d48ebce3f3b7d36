"""The ground that engines for providers stand on: HTTP calls that cannot leak the key or be paid twice.

    provider = Provider.for_engine(setup, options)
    try:
        answer = await provider.json("POST", "/predictions", body={...}, idempotency_key=job.key)
    except ProviderError as error:
        raise error.refused() from error

Every call that may cost something goes over a connection of its own: a kept one may be dead, and then nobody
could tell whether the request had arrived. Questions (GET) share kept ones: a thousand jobs that are asked
for again and again would spend most of their time on connecting. Nothing but the fetching of a result is ever
tried twice from here.
Whoever does not want an answer any more cancels the task that waits for it: that closes the connection.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import math
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self, Unpack, cast
from urllib.parse import urljoin, urlsplit

from pydantic import Field, SecretStr

from terrarium_server import USER_AGENT

from ._arriving import LARGE_BYTES, MAX_BYTES, Arriving, explained
from ._contract import Followers, Output
from ._failures import (
    ProviderError,
    clean,
    invalid_answer,
    moderated,
    moderation,
    refused_answer,
    retry_after,
)
from ._outputs import MediaKind, file_output, media_output
from ._polls import poll
from ._requests import Request, build
from ._results import all_or_none, fetch_guarded, result_file, write_base64, write_data_url
from ._scratch import discard

# It takes a while to import, and most servers have no provider.
if TYPE_CHECKING:
    import httpx
from ._setup import EngineOptions, Setup

__all__ = [
    "Answer",
    "MediaKind",
    "Provider",
    "ProviderError",
    "ProviderOptions",
    "Request",
    "Stream",
    "all_or_none",
    "clean",
    "discard",
    "invalid_answer",
    "media_output",
    "moderated",
    "moderation",
    "poll",
    "refused_answer",
    "retry_after",
]

_ANSWER_SECONDS = 60.0
# Beside the time for fetching a result: two questions, and the pause between them.
_SILENCE_SECONDS = 180.0
_DOWNLOAD_PAUSES = (0.5, 2.0)
# Connections for questions that are kept while nothing is asked.
_KEPT = 16


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
    lines: Callable[[], AsyncGenerator[str]]
    read: Callable[[], Awaitable[bytes]]


class Provider:
    """An HTTP API with a base address and a key, for the coroutines of one loop."""

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
        scratch: Path | None = None,
    ) -> None:
        """Speak to ``url``, and keep results below ``scratch`` (the system's folder for temporary files).

        ``name`` is the engine's, for messages. Nothing is opened yet.
        """
        self.who = f"The provider of engine {name!r}"
        self.url = url.rstrip("/")
        self._key, self._key_env = key, key_env
        self._key_header, self._key_prefix = key_header, key_prefix
        self._timeout_seconds = timeout_seconds
        self._proxy = proxy
        self._scratch = scratch or Path(tempfile.gettempdir())
        self._opening = asyncio.Lock()
        self._clients: dict[bool, httpx.AsyncClient] = {}

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
            scratch=setup.scratch,
        )

    @property
    def followers(self) -> Followers:
        """Who can ask for a job that the provider knows: whoever reaches it."""
        host = urlsplit(self.url).hostname or ""
        try:
            is_here = host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            is_here = False
        return "machine" if is_here else "anyone"

    @property
    def longest_silence(self) -> float:
        """For how many seconds a follower may say nothing: while it asks for a job and fetches a result."""
        return self._timeout_seconds + _SILENCE_SECONDS

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

    async def json(self, method: str, path: str, **request: Unpack[Request]) -> dict[str, Any]:
        """Call and return the JSON object of the answer. Raises ProviderError."""
        async with self._call(method, path, request) as answer:
            return await self.parsed(await answer.read())

    async def content(self, method: str, path: str, **request: Unpack[Request]) -> Answer:
        """Call and return the bytes of the answer. Raises ProviderError."""
        async with self._call(method, path, request) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    def parse(self, content: bytes | str) -> dict[str, Any]:
        """Return the JSON object that this is. Raises ProviderError if it is none."""
        try:
            document = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise invalid_answer(self.who, "something that is not JSON") from error
        if not isinstance(document, dict):
            raise invalid_answer(self.who, "JSON that is not an object")
        return cast(dict[str, Any], document)

    async def parsed(self, content: bytes | str) -> dict[str, Any]:
        """Return what `parse` does, without holding the loop if it is large. Raises ProviderError."""
        if len(content) > LARGE_BYTES:
            return await asyncio.to_thread(self.parse, content)
        return self.parse(content)

    @asynccontextmanager
    async def stream(self, method: str, path: str, **request: Unpack[Request]) -> AsyncGenerator[Stream]:
        """Call, and give the answer while it arrives. Raises ProviderError, also while it is read.

        ``path`` is below the base address, or a whole address of the same host.
        """
        async with self._call(method, path, request) as answer:
            yield Stream(answer.status, answer.headers, answer.lines, answer.read)

    async def download(self, url: str, kind: MediaKind) -> Output:
        """Fetch a result that an answer names into a file of its own. Raises ProviderError.

        The key goes to the provider's own host alone; another may be reached only if everybody can reach
        it, unless the provider itself is on this network (its url starts with http://). All of it may take
        the engine's ``timeout_seconds``. The file is the caller's; there is none if this fails.
        """
        with result_file(self._scratch) as file:
            await self._fetch(url, kind, file)
            return await self._checked(file, kind)

    async def save(self, method: str, path: str, kind: MediaKind, **request: Unpack[Request]) -> Output:
        """Call, and put the answer, which is the result itself, into a file of its own. Raises ProviderError.

        It is made once: unlike `download`, this never asks again.
        """
        with result_file(self._scratch) as file:
            async with self._call(method, path, request) as answer:
                await answer.copy(file)
            return await self._checked(file, kind)

    async def decode(self, base64: str, kind: MediaKind) -> Output:
        """Put a result that an answer carries into a file of its own. Raises ProviderError."""
        with result_file(self._scratch) as file:
            await asyncio.to_thread(write_base64, self.who, base64, file)
            return await self._checked(file, kind)

    async def close(self) -> None:
        """Close the connections."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.aclose()

    @asynccontextmanager
    async def _call(self, method: str, path: str, request: Request) -> AsyncGenerator[Arriving]:
        usual = self._timeout_seconds if method == "POST" else min(_ANSWER_SECONDS, self._timeout_seconds)
        seconds = request.get("seconds", usual)
        deadline = asyncio.get_running_loop().time() + seconds
        client = await self._open(keep=method == "GET")
        with explained(self.who):
            asked = await build(
                client, method, self._address(path), request, secret=self._secret(), seconds=seconds
            )
            async with asyncio.timeout_at(deadline):
                response = await client.send(asked, stream=True)
        try:
            answer = Arriving(self.who, response, deadline)
            if not response.is_success:
                raise refused_answer(
                    self.who,
                    answer.status,
                    answer.headers,
                    self._scrubbed(await answer.read_error()),
                    text=request.get("text", False),
                    key_env=self._key_env or "",
                )
            yield answer
        finally:
            await response.aclose()

    async def _open(self, *, keep: bool) -> httpx.AsyncClient:
        async with self._opening:
            if keep not in self._clients:
                self._clients[keep] = await asyncio.to_thread(self._new_client, _KEPT if keep else 0)
            return self._clients[keep]

    def _new_client(self, kept: int) -> httpx.AsyncClient:
        import httpx

        return httpx.AsyncClient(
            trust_env=False,
            proxy=self._proxy,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=kept),
            # What is not compressed cannot unfold beyond the limits of an answer.
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
        )

    def _secret(self) -> dict[str, str]:
        if self._key is None:
            return {}
        return {self._key_header: self._key_prefix + self._key.get_secret_value()}

    def _address(self, path: str) -> str:
        if not path.startswith(("https://", "http://")):
            return f"{self.url}/{path.lstrip('/')}"
        if _origin(path) != _origin(self.url):
            raise invalid_answer(self.who, "an address of another host")
        return path

    def _scrubbed(self, body: bytes) -> bytes:
        if self._key is None:
            return body
        return body.replace(self._key.get_secret_value().encode(), b"[secret]")

    async def _fetch(self, url: str, kind: MediaKind, file: BinaryIO) -> None:
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._timeout_seconds
        if url.startswith("data:"):
            return await asyncio.to_thread(write_data_url, self.who, url, file)
        if not url.startswith(("https://", "http://")) or _origin(url) == _origin(self.url):
            try:
                return await self._fetch_own(url, file, deadline)
            except ProviderError as error:
                moved = error.headers.get("location")
                if error.status not in (301, 302, 303, 307, 308) or not moved:
                    raise
                url = self._joined(url, moved)
        await fetch_guarded(
            self.who,
            url,
            Path(file.name),
            kind,
            max_bytes=MAX_BYTES,
            seconds=max(1.0, deadline - clock()),
            allow_private=self.url.startswith("http://"),
        )

    def _joined(self, url: str, moved: str) -> str:
        try:
            return urljoin(self._address(url), moved)
        except ValueError as error:
            raise invalid_answer(self.who, "a result that moved to an address that is none") from error

    async def _fetch_own(self, url: str, file: BinaryIO, deadline: float) -> None:
        # It was paid for: a hiccup must not lose it, and asking again costs nothing.
        clock = asyncio.get_running_loop().time
        for pause in (*_DOWNLOAD_PAUSES, math.inf):
            try:
                async with self._call("GET", url, {"seconds": deadline - clock()}) as answer:
                    return await answer.copy(file)
            except ProviderError as error:
                late = error.failure.code == "GENERATION_PROVIDER_TIMEOUT"
                if not error.passes or late or clock() + pause >= deadline:
                    raise
            await asyncio.sleep(pause)
            file.seek(0)
            file.truncate()

    async def _checked(self, file: BinaryIO, kind: MediaKind) -> Output:
        def check() -> Output:
            file.flush()
            return file_output(self.who, Path(file.name), kind)

        return await asyncio.to_thread(check)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return url, None, None
