"""A response while it arrives: its body within limits of size and time, and errors of httpx as ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, BinaryIO

from terrarium_server.engines import Failed

from ._failures import ProviderError, invalid_answer

# Importing httpx takes a while, and most servers have no provider.
if TYPE_CHECKING:
    import httpx

MAX_BYTES = 256 << 20
# What is larger than this is processed in a thread.
LARGE_BYTES = 256 << 10

_ERROR_BYTES = 64 << 10
_WRITE_BYTES = 1 << 20


class Response:
    """A response whose head has arrived; ``headers`` have their names in lower case.

    Its body can be read once. Every way of reading it raises ProviderError, also when not all of it has
    arrived by ``deadline``, in seconds of the loop's clock.
    """

    def __init__(self, label: str, response: httpx.Response, deadline: float) -> None:
        """Name the provider ``label`` in messages."""
        self.status = response.status_code
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}
        self._label = label
        self._response = response
        self._deadline = deadline

    async def chunks(self) -> AsyncGenerator[bytes]:
        """Yield the body as it arrives."""
        from terrarium_server.media import inflated

        # httpx's own decoders would hold all that a few bytes inflate to before it can be counted.
        pieces = inflated(self._response.aiter_raw(), self._response.headers.get_list("content-encoding"))
        size = 0
        while True:
            try:
                # Not around the yield: each chunk may be awaited from another task.
                with errors_explained(self._label):
                    async with asyncio.timeout_at(self._deadline):
                        chunk = await anext(pieces)
            except StopAsyncIteration:
                return
            size += len(chunk)
            if size > MAX_BYTES:
                raise invalid_answer(self._label, f"more than {MAX_BYTES >> 20} MiB")
            yield chunk

    async def lines(self) -> AsyncGenerator[str]:
        """Yield the body's lines as they arrive."""
        pending: list[bytes] = []
        async with aclosing(self.chunks()) as chunks:
            async for chunk in chunks:
                first, *others = chunk.split(b"\n")
                pending.append(first)
                for other in others:
                    yield b"".join(pending).rstrip(b"\r").decode("utf-8", "replace")
                    pending = [other]
        if rest := b"".join(pending):
            yield rest.decode("utf-8", "replace")

    async def read(self) -> bytes:
        """Return the whole body."""
        async with aclosing(self.chunks()) as chunks:
            received = [chunk async for chunk in chunks]
        if sum(len(chunk) for chunk in received) > LARGE_BYTES:
            return await asyncio.to_thread(b"".join, received)
        return b"".join(received)

    async def read_error(self) -> bytes:
        """Return the beginning of an error's body."""
        body = b""
        async with aclosing(self.chunks()) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) >= _ERROR_BYTES:
                    break
        return body[:_ERROR_BYTES]

    async def copy(self, file: BinaryIO) -> None:
        """Write the body to a file; no more than a mebibyte of it is in memory."""
        pending: list[bytes] = []
        size = 0
        async with aclosing(self.chunks()) as chunks:
            async for chunk in chunks:
                pending.append(chunk)
                size += len(chunk)
                if size >= _WRITE_BYTES:
                    await asyncio.to_thread(file.writelines, pending)
                    pending, size = [], 0
        await asyncio.to_thread(file.writelines, pending)


@contextmanager
def errors_explained(label: str) -> Generator[None]:
    """Turn what httpx raises, and a deadline that passed, into ProviderError."""
    import httpx

    from terrarium_server.media import FetchError

    try:
        yield
    except TimeoutError as error:
        raise ProviderError(_timed_out(label)) from error
    except httpx.RequestError as error:
        raise _without_answer(label, error) from error
    except FetchError as error:
        raise invalid_answer(label, "something that cannot be decoded") from error
    except httpx.InvalidURL as error:
        raise invalid_answer(label, "an invalid address") from error


def _without_answer(label: str, error: httpx.RequestError) -> ProviderError:
    import httpx

    match error:
        case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.PoolTimeout() | httpx.ProxyError():
            failure = Failed(
                "GENERATION_FAILED_TO_START",
                f"{label} could not be reached; try once more, or have the owner of this server check "
                "the engine's url.",
            )
            return ProviderError(failure, sent=False)
        case httpx.TimeoutException():
            return ProviderError(_timed_out(label))
        case _:
            message = f"The connection to {label[0].lower()}{label[1:]} broke before its answer came; "
            remedy = "it may have charged for this. Try once more."
            return ProviderError(Failed("GPU_PROVIDER_ERROR", message + remedy))


def _timed_out(label: str) -> Failed:
    return Failed(
        "GENERATION_PROVIDER_TIMEOUT",
        f"{label} did not answer in time (timeout_seconds in [[engine]]); try once more.",
    )
