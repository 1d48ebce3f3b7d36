"""Answers that are streams of server-sent events."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, cast

from terrarium_server.engines.provider import Provider, Response

END = "[DONE]"


async def events(
    provider: Provider, stream: Response, *, text: bool = False
) -> AsyncGenerator[dict[str, Any] | None]:
    """Yield the objects of a stream, and None for the event that ends it.

    Raises ProviderError for an event that is an error.
    """
    data: list[str] = []
    async with aclosing(stream.lines()) as lines:
        async for line in lines:
            if line.startswith("data:"):
                data.append(line[5:].removeprefix(" "))
            elif not line and data:
                yield await _event(provider, "\n".join(data), text=text)
                data = []
    if data:
        yield await _event(provider, "\n".join(data), text=text)


def is_events(stream: Response) -> bool:
    """Whether an answer is a server-sent stream."""
    return stream.headers.get("content-type", "").startswith("text/event-stream")


async def whole(provider: Provider, stream: Response, *, text: bool = False) -> dict[str, Any]:
    """Return the answer of a server that does not stream.

    Raises ProviderError, also for an error with a 2xx status.
    """
    content = await stream.read()
    document = await provider.parsed(content)
    _raise_error(provider, document, content, text=text)
    return document


async def _event(provider: Provider, data: str, *, text: bool) -> dict[str, Any] | None:
    if data.strip() == END:
        return None
    document = await provider.parsed(data)
    _raise_error(provider, document, data, text=text)
    return document


def _raise_error(
    provider: Provider, document: Mapping[str, Any], content: bytes | str, *, text: bool
) -> None:
    error = document.get("error")
    if not error:
        return
    code = cast(Mapping[str, Any], error).get("code") if isinstance(error, Mapping) else None
    status = code if isinstance(code, int) and 400 <= code < 600 else 500
    body = content.encode() if isinstance(content, str) else content
    raise provider.refused_answer(status, body, text=text)
