from collections.abc import Iterator, Mapping
from typing import Any, cast

from terrarium_server.engines._provider import Provider, ProviderError, Stream, refused_answer

END = "[DONE]"


def events(provider: Provider, stream: Stream, *, text: bool = False) -> Iterator[dict[str, Any] | None]:
    """Give the objects of a server-sent stream, and None where it says that it is over.

    Raises ProviderError for an error among them.
    """
    data: list[str] = []
    for line in stream.lines():
        if line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line and data:
            yield _event(provider, "\n".join(data), text=text)
            data = []
    if data:
        yield _event(provider, "\n".join(data), text=text)


def is_events(stream: Stream) -> bool:
    """Whether an answer is a server-sent stream."""
    return stream.headers.get("content-type", "").startswith("text/event-stream")


def raise_error(provider: Provider, document: Mapping[str, Any], content: bytes, *, text: bool) -> None:
    """Raise ProviderError if this is an error that came with a status of success."""
    error = document.get("error")
    if not error:
        return
    code = cast(Mapping[str, Any], error).get("code") if isinstance(error, Mapping) else None
    raise _trouble(provider, code if isinstance(code, int) and 400 <= code < 600 else 500, content, text=text)


def _event(provider: Provider, data: str, *, text: bool) -> dict[str, Any] | None:
    if data.strip() == END:
        return None
    document = provider.parse(data)
    raise_error(provider, document, data.encode(), text=text)
    return document


def _trouble(provider: Provider, status: int, content: bytes, *, text: bool) -> ProviderError:
    return refused_answer(provider.who, status, {}, content, text=text)
