"""A call described once: what to send and what comes back. Both clients send these."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypedDict, TypeVar
from urllib.parse import quote

from ._config import Headers, Timeout

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

T = TypeVar("T")

# What RFC 3986 lets stand in a path segment besides letters, digits and "-._~".
_SEGMENT_SAFE = "!$&'()*+,;=:@"


class ExtraOptions(TypedDict, total=False):
    """What is added to a request, over the defaults."""

    extra_headers: Headers
    extra_query: Mapping[str, object]
    extra_body: Mapping[str, object]


class RequestOptions(ExtraOptions, total=False):
    """What any call takes besides its own arguments.

    ``timeout`` (seconds, or an ``httpx.Timeout``) holds for each attempt of this call.
    """

    timeout: Timeout


class WriteOptions(RequestOptions, total=False):
    """What a writing call takes besides.

    ``idempotency_key`` is sent with every attempt of this call; without one, a fresh key is made.
    """

    idempotency_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Generic[T]):
    """One call: where it goes, what it sends, the shape of the answer."""

    method: str
    path: str
    shape: type[T]
    query: Mapping[str, object] = field(default_factory=dict[str, object])
    body: Mapping[str, object] | None = None
    writes: bool = False
    options: WriteOptions = field(default_factory=WriteOptions)
    # How the answer is made again, from the id of the run that holds our key, once the first was lost.
    regain: Callable[[str, Exchange], Steps[T]] | None = None


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A paged call; its items are under ``key`` in the answer."""

    operation: Operation[dict[str, Any]]
    key: str
    item: type[T]

    def at(self, cursor: str) -> Listing[T]:
        """The same call, from ``cursor`` on."""
        # The cursor goes over a caller's extra_query too, or every page would be the first.
        options = WriteOptions(**self.operation.options)
        options["extra_query"] = {**options.get("extra_query", {}), "cursor": cursor}
        return replace(self, operation=replace(self.operation, options=options))


@dataclass(frozen=True, slots=True)
class Request:
    """A request ready to be sent."""

    method: str
    url: httpx.URL
    headers: Mapping[str, str]
    content: bytes | None
    timeout: Timeout


@dataclass(frozen=True, slots=True)
class Send:
    """Ask the driver to send; the answer comes back read, or goes through ``sink`` where it succeeds."""

    request: Request
    sink: Sink | None = None


@dataclass(frozen=True, slots=True)
class Sleep:
    """Ask the driver to wait."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Tell:
    """Ask the driver to call the caller back (and to await it, where it is a coroutine function)."""

    callback: Callable[[Any], object]
    value: object


class Sink(Protocol):
    """Takes the body of a streamed answer; ``restart`` comes before each attempt."""

    def restart(self) -> None:
        """Forget what has come so far."""
        ...

    def write(self, chunk: bytes) -> None:
        """Take the next bytes."""
        ...


# A conversation with the server without any I/O of its own. A driver, sync or async, performs each step and
# sends its outcome back in; so policy is written once.
Steps = Generator[Send | Sleep | Tell, Any, T]


class Exchange(Protocol):
    """Sends an operation as a part of a longer conversation and gives its parsed answer."""

    def __call__(self, operation: Operation[T], /) -> Steps[T]:
        """Go through the steps of sending ``operation``."""
        ...


def at(template: str, *segments: str) -> str:
    """Fill each ``{}`` of a path with a segment, encoded so that it stays one segment."""
    for segment in segments:
        if not segment or segment in (".", ".."):
            raise ValueError(f"{segment!r} cannot stand in the path {template!r}")
    return template.format(*(quote(segment, safe=_SEGMENT_SAFE) for segment in segments))


def given(**fields: object) -> dict[str, object]:
    """The arguments that were given: None means left out."""
    return {name: value for name, value in fields.items() if value is not None}
