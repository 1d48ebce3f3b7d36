"""Descriptions of calls, shared by both clients: what to send and the shape of the response."""

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

# The characters that RFC 3986 allows in a path segment in addition to letters, digits and "-._~".
_SEGMENT_SAFE = "!$&'()*+,;=:@"


class ExtraOptions(TypedDict, total=False):
    """Additions to a request; they override the defaults."""

    extra_headers: Headers
    extra_query: Mapping[str, object]
    extra_body: Mapping[str, object]


class RequestOptions(ExtraOptions, total=False):
    """What any call takes in addition to its own arguments.

    ``timeout`` (seconds, or an ``httpx.Timeout``) applies to each attempt of this call.
    """

    timeout: Timeout


class WriteOptions(RequestOptions, total=False):
    """What a writing call takes in addition.

    ``idempotency_key`` is sent with every attempt of this call. By default it is a new random one.
    """

    idempotency_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Generic[T]):
    """One call: its path, what it sends, and the shape of the response."""

    method: str
    path: str
    shape: type[T]
    query: Mapping[str, object] = field(default_factory=dict[str, object])
    body: Mapping[str, object] | None = None
    writes: bool = False
    options: WriteOptions = field(default_factory=WriteOptions)
    # Rebuilds a lost response from the id of what our key made; the id begins with `made_prefix`.
    made_prefix: str = "run_"
    recover: Callable[[str, Exchange], Steps[T]] | None = None


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A paged call; its items are under ``key`` in the response."""

    operation: Operation[dict[str, Any]]
    key: str
    item: type[T]

    def starting_at(self, cursor: str) -> Listing[T]:
        """The same call, starting at ``cursor``."""
        # The cursor also overrides the caller's extra_query, or every page would be the first.
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
    """Ask the driver to send a request. With a ``sink``, a successful body is streamed to it."""

    request: Request
    sink: Sink | None = None


@dataclass(frozen=True, slots=True)
class Sleep:
    """Ask the driver to wait."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Callback:
    """Ask the driver to call a function of the caller, and to await the result if it is awaitable."""

    callback: Callable[[Any], object]
    value: object


@dataclass(frozen=True, slots=True)
class Connect:
    """Ask the driver for a response whose body is still to come, unless it is a refusal or empty.

    The response before it is closed.
    """

    request: Request


@dataclass(frozen=True, slots=True)
class Receive:
    """Ask the driver for the next bytes of that response; None at its end."""


@dataclass(frozen=True, slots=True)
class Emit(Generic[T]):
    """Ask the driver to give a value to the caller, and to go on when the caller wants the next one."""

    value: T


class Sink(Protocol):
    """Receives the body of a streamed response; ``restart`` is called before each attempt."""

    def restart(self) -> None:
        """Discard what was written so far."""
        ...

    def write(self, chunk: bytes) -> None:
        """Append the next bytes."""
        ...


# A generator without I/O of its own. It yields steps; a driver, sync or async, performs each one and sends
# the result back into the generator. So the logic is written once for both clients.
Steps = Generator[Send | Sleep | Callback, Any, T]

# The same for calls that give the caller many values.
StreamSteps = Generator[Connect | Receive | Sleep | Emit[T], Any, None]


class Exchange(Protocol):
    """Sends an operation as part of a longer sequence and returns its parsed response."""

    def __call__(self, operation: Operation[T], /) -> Steps[T]:
        """The steps of sending ``operation``."""
        ...


def fill_path(template: str, *segments: str) -> str:
    """Fill each ``{}`` of a path with a segment, encoded so that it stays one segment.

    Raises ``ValueError`` for a segment that cannot be part of a path.
    """
    for segment in segments:
        if not segment or segment in (".", ".."):
            raise ValueError(f"{segment!r} cannot be used in the path {template!r}")
    return template.format(*(quote(segment, safe=_SEGMENT_SAFE) for segment in segments))


def without_none(**fields: object) -> dict[str, object]:
    """The arguments that are not None."""
    return {name: value for name, value in fields.items() if value is not None}
