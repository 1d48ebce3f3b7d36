"""Requests that reach the application byte by byte as written, and the operations to send them to."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from types import NoneType
from typing import cast, get_args
from urllib.parse import unquote

import httpx
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Param
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message

from support.application import Application

Headers = tuple[tuple[str, bytes], ...]
_LONGEST_SHOWN = 1_500


@dataclass(frozen=True)
class Operation:
    """A method of a route, with the names of what it takes."""

    method: str
    path: str
    query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    path_params: tuple[str, ...] = ()
    body: type[BaseModel] | None = None
    is_body_optional: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Request:
    """One request; ``target`` is the path with the query, percent-encoded."""

    method: str
    target: str
    headers: Headers = ()
    body: bytes = b""

    def __repr__(self) -> str:
        parts = [
            self.method,
            self.target,
            *(f"{name}: {value!r}" for name, value in self.headers),
            repr(self.body),
        ]
        return "\n".join(
            part if len(part) <= _LONGEST_SHOWN else f"{part[:_LONGEST_SHOWN]}… ({len(part)} characters)"
            for part in parts
        )


def operations(routes: Sequence[BaseRoute]) -> Iterator[Operation]:
    """Every method of every route."""
    for route in iter_route_contexts(routes):
        dependant = getattr(route, "dependant", None)
        for method in sorted(route.methods or ()):
            if dependant is None:
                yield Operation(method, str(route.path))
                continue
            names: dict[str, list[str]] = defaultdict(list)
            for field in get_flat_params(dependant):
                names[cast(Param, field.field_info).in_.value].append(field.alias)
            body = route.body_field.field_info.annotation if route.body_field is not None else None
            # An optional one is a union with None.
            shapes = [shape for shape in get_args(body) or (body,) if shape is not NoneType]
            yield Operation(
                method,
                str(route.path),
                query=tuple(names["query"]),
                headers=tuple(names["header"]),
                path_params=tuple(names["path"]),
                body=shapes[0] if shapes else None,
                is_body_optional=bool(get_args(body)),
            )


def send(application: Application, request: Request) -> httpx.Response:
    """Send a request to the application, and return its answer."""
    portal = application.anonymous.portal
    assert portal is not None
    return portal.call(partial(_exchange, application.app, request))


async def _exchange(app: ASGIApp, request: Request) -> httpx.Response:
    path, _, query = request.target.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode("ascii"),
        "root_path": "",
        "query_string": query.encode("ascii"),
        "headers": [(name.encode(), value) for name, value in request.headers],
        "client": ("127.0.0.1", 50_000),
        "server": ("terrarium.test", 80),
        "state": {},
    }
    incoming: list[Message] = [{"type": "http.request", "body": request.body, "more_body": False}]
    sent: list[Message] = []

    async def receive() -> Message:
        # After its request the client is away, so that nothing waits for a run's end on its behalf.
        return incoming.pop() if incoming else {"type": "http.disconnect"}

    async def keep(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, keep)
    start, *parts = sent
    content = b"".join(part.get("body", b"") for part in parts)
    return httpx.Response(start["status"], headers=start["headers"], content=content)
