"""HTTP calls to a provider that do not leak its key and are not paid twice.

    provider = Provider.for_engine(setup)
    try:
        answer = await provider.json("POST", "/predictions", body={...}, idempotency_key=job.key)
    except ProviderError as error:
        raise error.refused() from error

A call that may cost something uses a connection of its own: a kept one may be dead, and then it is not known
whether the request arrived. GET requests share kept connections: polling a thousand jobs would otherwise
spend most of its time on connecting. Only the download of a result is ever repeated here.
To give up a call, cancel the task that waits for it: that closes the connection.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import math
import tempfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self, Unpack, cast
from urllib.parse import urljoin, urlsplit

from pydantic import SecretStr

from terrarium_server import USER_AGENT
from terrarium_server.engines import Failed, Followers, Output
from terrarium_server.engines.setup import Setup
from terrarium_server.media import MediaKind

from ._card import OutputType
from ._failures import ProviderError, invalid_answer, moderation, refused_answer
from ._options import ProviderOptions
from ._outputs import data_output, file_output
from ._request import Request, build
from ._response import LARGE_BYTES, MAX_BYTES, Response, errors_explained
from ._results import fetch_guarded, result_addresses, result_file, write_base64, write_data_url

# Importing httpx takes a while, and most servers have no provider.
if TYPE_CHECKING:
    import httpx

_ANSWER_SECONDS = 60.0
# In addition to the download of a result: two polls, and the pause between them.
_SILENCE_SECONDS = 180.0
_DOWNLOAD_PAUSES = (0.5, 2.0)
# Idle connections that are kept for GET requests.
_KEPT = 16


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
        """Call ``url``, and put results below ``scratch`` (default: the system's folder for temporary files).

        ``name`` is the engine's, for messages. Nothing is opened yet.
        """
        self.label = f"The provider of engine {name!r}"
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
        cls, setup: Setup, *, key_header: str = "Authorization", key_prefix: str = "Bearer "
    ) -> Self:
        """Make one from what the owner configured; the kind's ``OPTIONS`` are `ProviderOptions`."""
        options = setup.options
        assert isinstance(options, ProviderOptions)
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
        """Who can poll a job at the provider: everyone who can reach it."""
        host = urlsplit(self.url).hostname or ""
        try:
            is_here = host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            is_here = False
        return "machine" if is_here else "anyone"

    @property
    def longest_silence(self) -> float:
        """For how many seconds a follower may be silent: while it polls a job and fetches a result."""
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

    async def send(self, method: str, path: str, **request: Unpack[Request]) -> None:
        """Call and ignore what the answer contains. Raises ProviderError."""
        async with self._call(method, path, request) as answer:
            await answer.read()

    def parse(self, content: bytes | str) -> dict[str, Any]:
        """Parse a JSON object. Raises ProviderError if it is none."""
        try:
            document = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise self.invalid_answer("something that is not JSON") from error
        if not isinstance(document, dict):
            raise self.invalid_answer("JSON that is not an object")
        return cast(dict[str, Any], document)

    async def parsed(self, content: bytes | str) -> dict[str, Any]:
        """Do what `parse` does, without blocking the loop if it is large. Raises ProviderError."""
        if len(content) > LARGE_BYTES:
            return await asyncio.to_thread(self.parse, content)
        return self.parse(content)

    @asynccontextmanager
    async def stream(self, method: str, path: str, **request: Unpack[Request]) -> AsyncGenerator[Response]:
        """Call, and yield the answer while it arrives. Raises ProviderError, also while it is read.

        ``path`` is below the base address, or a whole address of the same host.
        """
        async with self._call(method, path, request) as answer:
            yield answer

    async def download(self, url: str, kind: MediaKind) -> Output:
        """Download the result at an address into a file of its own. Raises ProviderError.

        The key is sent to the provider's own host only. Another host must have a public address, unless the
        provider itself is on this network (its url starts with http://). The download may take the engine's
        ``timeout_seconds``. The file is the caller's; there is none if this fails.
        """
        with result_file(self._scratch) as file:
            await self._fetch(url, kind, file)
            return await self._checked(file, kind)

    async def save(self, method: str, path: str, kind: MediaKind, **request: Unpack[Request]) -> Output:
        """Call, and write the answer, which is the result itself, into a file. Raises ProviderError.

        Unlike `download`, this is never repeated: each call makes another result.
        """
        with result_file(self._scratch) as file:
            async with self._call(method, path, request) as answer:
                await answer.copy(file)
            return await self._checked(file, kind)

    async def decode(self, base64: str, kind: MediaKind) -> Output:
        """Write a result that an answer contains into a file of its own. Raises ProviderError."""
        with result_file(self._scratch) as file:
            await asyncio.to_thread(write_base64, self.label, base64, file)
            return await self._checked(file, kind)

    def output(self, data: bytes, kind: MediaKind) -> Output:
        """Return a preview that an answer contains, a picture with its size. Raises ProviderError."""
        return data_output(self.label, data, kind)

    def text_field(self, answer: Mapping[str, Any], name: str) -> str:
        """Return a field of an answer. Raises ProviderError if it is no text, or empty."""
        value = answer.get(name)
        if not isinstance(value, str) or not value:
            raise self.invalid_answer(f"no {name}")
        return value

    def result_addresses(self, answer: Any, path: str, output_type: OutputType) -> list[str | None]:
        """Return the addresses of the results in an answer, or the text; None for one that was left out.

        ``path`` leads to them: names with dots between. A result is an address or an object with an ``url``,
        alone or in a list; the parts of a text are joined. Raises ProviderError.
        """
        return result_addresses(self.label, answer, path, output_type)

    def invalid_answer(self, what: str) -> ProviderError:
        """Return the error for an answer of an unexpected form; ``what`` completes "… answered with"."""
        return invalid_answer(self.label, what)

    def refused_answer(self, status: int, body: bytes, *, text: bool = False) -> ProviderError:
        """Return the error for an answer that means the same as this HTTP status that is not 2xx."""
        return refused_answer(self.label, status, {}, body, text=text)

    def moderation(self, message: str = "", *, text: bool = False) -> Failed:
        """Return the failure for a prompt or result that the provider refuses for its content."""
        return moderation(self.label, message, text=text)

    async def close(self) -> None:
        """Close the connections."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.aclose()

    @asynccontextmanager
    async def _call(self, method: str, path: str, request: Request) -> AsyncGenerator[Response]:
        usual = self._timeout_seconds if method == "POST" else min(_ANSWER_SECONDS, self._timeout_seconds)
        seconds = request.get("seconds", usual)
        deadline = asyncio.get_running_loop().time() + seconds
        client = await self._open(keep=method == "GET")
        with errors_explained(self.label):
            built = await build(
                client, method, self._address(path), request, secret=self._secret(), seconds=seconds
            )
            async with asyncio.timeout_at(deadline):
                response = await client.send(built, stream=True)
        try:
            answer = Response(self.label, response, deadline)
            if not response.is_success:
                raise refused_answer(
                    self.label,
                    answer.status,
                    answer.headers,
                    self._without_key(await answer.read_error()),
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
            # An answer that is not compressed cannot inflate beyond the limits.
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
            raise self.invalid_answer("an address of another host")
        return path

    def _without_key(self, body: bytes) -> bytes:
        if self._key is None:
            return body
        return body.replace(self._key.get_secret_value().encode(), b"[secret]")

    async def _fetch(self, url: str, kind: MediaKind, file: BinaryIO) -> None:
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._timeout_seconds
        if url.startswith("data:"):
            return await asyncio.to_thread(write_data_url, self.label, url, file)
        if not url.startswith(("https://", "http://")) or _origin(url) == _origin(self.url):
            try:
                return await self._fetch_own(url, file, deadline)
            except ProviderError as error:
                location = error.headers.get("location")
                if error.status not in (301, 302, 303, 307, 308) or not location:
                    raise
                url = self._joined(url, location)
        await fetch_guarded(
            self.label,
            url,
            Path(file.name),
            kind,
            max_bytes=MAX_BYTES,
            seconds=max(1.0, deadline - clock()),
            allow_private=self.url.startswith("http://"),
        )

    def _joined(self, url: str, location: str) -> str:
        try:
            return urljoin(self._address(url), location)
        except ValueError as error:
            raise self.invalid_answer("a result that moved to an invalid address") from error

    async def _fetch_own(self, url: str, file: BinaryIO, deadline: float) -> None:
        # The result was paid for, so a short failure must not lose it. Repeating a GET costs nothing.
        clock = asyncio.get_running_loop().time
        for pause in (*_DOWNLOAD_PAUSES, math.inf):
            try:
                async with self._call("GET", url, {"seconds": deadline - clock()}) as answer:
                    return await answer.copy(file)
            except ProviderError as error:
                late = error.failure.code == "GENERATION_PROVIDER_TIMEOUT"
                if not error.is_temporary or late or clock() + pause >= deadline:
                    raise
            await asyncio.sleep(pause)
            file.seek(0)
            file.truncate()

    async def _checked(self, file: BinaryIO, kind: MediaKind) -> Output:
        def check() -> Output:
            file.flush()
            return file_output(self.label, Path(file.name), kind)

        return await asyncio.to_thread(check)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return url, None, None
