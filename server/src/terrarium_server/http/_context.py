"""What the routes use: the services of the process, and the request with its caller."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar, cast

from fastapi import Depends, Request

from terrarium_server import accounts
from terrarium_server.accounts import Caller
from terrarium_server.admission import Admission
from terrarium_server.catalog import Catalog
from terrarium_server.runs import Signals
from terrarium_server.store import Blobs, Database, Transaction

from .caller import bearer_token

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HttpContext:
    """What every request may need of this process."""

    database: Database
    blobs: Blobs
    catalog: Catalog
    admission: Admission
    signals: Signals
    public_url: str | None
    is_ready: Callable[[], bool]
    # To be called when a caller has ended a run: notifies waiting requests and stops the worker's work on it.
    run_ended: Callable[[str], None]


def http_context(request: Request) -> HttpContext:
    """Return the context of the process that handles a request."""
    return cast(HttpContext, request.app.state.context)


def base_url(request: Request) -> str:
    """Return the URL under which the client reached this server, without a trailing slash."""
    host = request.headers.get("host") or "{}:{}".format(*request.scope["server"])
    return http_context(request).public_url or f"{request.scope['scheme']}://{host}"


class RequestContext:
    """One request; its caller is authenticated in the transaction that does the work."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.http = http_context(request)
        self._token = bearer_token(request)

    async def write(self, work: Callable[[Transaction, Caller], T]) -> T:
        """Authenticate and run ``work`` in a transaction that may write."""
        return await self.http.database.write(lambda tx: work(tx, self._authenticate(tx)))

    async def read(self, work: Callable[[Transaction, Caller], T]) -> T:
        """Authenticate and run ``work`` in a transaction that only reads."""
        return await self.http.database.read(lambda tx: work(tx, self._authenticate(tx)))

    def _authenticate(self, tx: Transaction) -> Caller:
        caller = accounts.authenticate(tx, self._token)
        # For the RateLimit headers, which every response has, refusals included.
        self.request.state.caller = caller
        return caller

    @property
    def base_url(self) -> str:
        """The URL under which the client reached this server."""
        return base_url(self.request)


async def _request_context(request: Request) -> RequestContext:
    # A coroutine, because FastAPI runs other callables in a thread.
    return RequestContext(request)


Authenticated = Annotated[RequestContext, Depends(_request_context)]
