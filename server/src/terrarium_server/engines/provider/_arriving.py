"""An answer on its way: its body within limits of size and time, and what can go wrong told as ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, BinaryIO

from ._contract import Failed
from ._failures import ProviderError, invalid_answer

# It takes a while to import, and most servers have no provider.
if TYPE_CHECKING:
    import httpx

MAX_BYTES = 256 << 20
# What is larger than this goes to a thread.
LARGE_BYTES = 256 << 10

_ERROR_BYTES = 64 << 10
_WRITE_BYTES = 1 << 20


class Arriving:
    """An answer whose head is there; ``headers`` by their names in lower case.

    Its body can be taken once. All ways of taking it raise ProviderError, also when not all of it has come
    by ``deadline``, in seconds of the loop's clock.
    """

    def __init__(self, who: str, response: httpx.Response, deadline: float) -> None:
        """Tell of ``who`` in messages."""
        self.status = response.status_code
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}
        self._who = who
        self._response = response
        self._deadline = deadline

    async def chunks(self) -> AsyncGenerator[bytes]:
        """Give the body as it arrives."""
        from terrarium_server.media import inflated

        # Not with httpx's own decoders: what a few bytes unfold to would be in memory before it is counted.
        pieces = inflated(self._response.aiter_raw(), self._response.headers.get_list("content-encoding"))
        size = 0
        while True:
            try:
                # Not around the yield: whoever takes the chunks may do so from another task each time.
                with explained(self._who):
                    async with asyncio.timeout_at(self._deadline):
                        chunk = await anext(pieces)
            except StopAsyncIteration:
                return
            size += len(chunk)
            if size > MAX_BYTES:
                raise invalid_answer(self._who, f"more than {MAX_BYTES >> 20} MiB")
            yield chunk

    async def lines(self) -> AsyncGenerator[str]:
        """Give the body's lines as they arrive."""
        begun: list[bytes] = []
        async with aclosing(self.chunks()) as chunks:
            async for chunk in chunks:
                first, *others = chunk.split(b"\n")
                begun.append(first)
                for other in others:
                    yield b"".join(begun).rstrip(b"\r").decode("utf-8", "replace")
                    begun = [other]
        if rest := b"".join(begun):
            yield rest.decode("utf-8", "replace")

    async def read(self) -> bytes:
        """Return the whole body."""
        async with aclosing(self.chunks()) as chunks:
            arrived = [chunk async for chunk in chunks]
        if sum(len(chunk) for chunk in arrived) > LARGE_BYTES:
            return await asyncio.to_thread(b"".join, arrived)
        return b"".join(arrived)

    async def read_error(self) -> bytes:
        """Return what matters of the body of an error."""
        body = b""
        async with aclosing(self.chunks()) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) >= _ERROR_BYTES:
                    break
        return body[:_ERROR_BYTES]

    async def copy(self, file: BinaryIO) -> None:
        """Write the body to a file; no more than a mebibyte of it is in memory."""
        waiting: list[bytes] = []
        size = 0
        async with aclosing(self.chunks()) as chunks:
            async for chunk in chunks:
                waiting.append(chunk)
                size += len(chunk)
                if size >= _WRITE_BYTES:
                    await asyncio.to_thread(file.writelines, waiting)
                    waiting, size = [], 0
        await asyncio.to_thread(file.writelines, waiting)


@contextmanager
def explained(who: str) -> Generator[None]:
    """Turn what httpx raises, and a time that is up, into ProviderError."""
    import httpx

    from terrarium_server.media import FetchError

    try:
        yield
    except TimeoutError as error:
        raise ProviderError(_late(who)) from error
    except httpx.RequestError as error:
        raise _unanswered(who, error) from error
    except FetchError as error:
        raise invalid_answer(who, "something that cannot be decoded") from error
    except httpx.InvalidURL as error:
        raise invalid_answer(who, "an address that is none") from error


def _unanswered(who: str, error: httpx.RequestError) -> ProviderError:
    import httpx

    match error:
        case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.PoolTimeout() | httpx.ProxyError():
            failure = Failed(
                "GENERATION_FAILED_TO_START",
                f"{who} could not be reached; try once more, or have the owner of this server check "
                "the engine's url.",
            )
            return ProviderError(failure, sent=False)
        case httpx.TimeoutException():
            return ProviderError(_late(who))
        case _:
            message = f"The connection to {who[0].lower()}{who[1:]} broke before its answer came; "
            remedy = "it may have charged for this. Try once more."
            return ProviderError(Failed("GPU_PROVIDER_ERROR", message + remedy))


def _late(who: str) -> Failed:
    return Failed(
        "GENERATION_PROVIDER_TIMEOUT",
        f"{who} did not answer in time (timeout_seconds in [[engine]]); try once more.",
    )
