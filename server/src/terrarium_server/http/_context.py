"""What the routes use: the services of the process, and the request with its caller."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar, cast

from fastapi import Depends, Header, Request

from terrarium_server import accounts, idempotency
from terrarium_server.accounts import Caller
from terrarium_server.admission import Admission
from terrarium_server.catalog import Catalog
from terrarium_server.events import Feed
from terrarium_server.idempotency import Scope
from terrarium_server.problems import InvalidInput, Resource
from terrarium_server.store import Blobs, Database, Transaction

from ._callers import Callers
from ._hosts import KnownHosts
from ._model_list import ModelLists
from ._open_streams import OpenStreams
from ._request_rates import RequestRates
from .caller import bearer_token

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HttpContext:
    """What every request may need of this process."""

    database: Database
    blobs: Blobs
    catalog: Catalog
    admission: Admission
    feed: Feed
    open_streams: OpenStreams
    known_hosts: KnownHosts
    # Requests per minute that are not starts; None means ten times the workspace's starts.
    requests_per_minute: int | None
    is_ready: Callable[[], bool]
    callers: Callers
    request_rates: RequestRates
    model_lists: ModelLists


def http_context(request: Request) -> HttpContext:
    """Return the context of the process that handles a request."""
    return cast(HttpContext, request.app.state.context)


def base_url(request: Request) -> str:
    """Return the URL under which the client reached this server, without a trailing slash."""
    return http_context(request).known_hosts.base_url(request.scope)


class RequestContext:
    """One request that only reads; its caller is authenticated in the transaction that does the work."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.http = http_context(request)
        self._token = bearer_token(request)

    async def read(self, work: Callable[[Transaction, Caller], T]) -> T:
        """Authenticate and run ``work`` in a transaction that only reads."""
        return await self.http.database.read(lambda tx: work(tx, self._authenticate(tx)))

    def _authenticate(self, tx: Transaction) -> Caller:
        return accounts.authenticate(tx, self._token)

    @property
    def base_url(self) -> str:
        """The URL under which the client reached this server."""
        return base_url(self.request)


class MutationContext(RequestContext):
    """One request that writes: `write` is the only way for a route to do so."""

    def __init__(self, request: Request, idempotency_key: str | None) -> None:
        super().__init__(request)
        self._key = idempotency_key

    async def write(
        self,
        operation: str,
        work: Callable[[Transaction, Caller], T],
        *,
        resource: Resource,
        destination: str = "",
    ) -> T:
        """Authenticate, claim the request's idempotency key, and run ``work``, in one transaction.

        ``resource`` is what the request makes, else what it changes; a duplicate is told of it.
        ``destination`` is the project or other resource that the operation is about. A key counts within the
        workspace, operation and destination. If ``work`` raises, nothing is written and the key is free
        again.
        Raises Unauthorized, InvalidInput for an unusable key, DuplicateKey, and what ``work`` raises.
        """

        def gated(tx: Transaction) -> T:
            caller = self._authenticate(tx)
            if self._key is not None:
                scope = Scope(caller.workspace_id, operation, destination)
                idempotency.claim(tx, scope, self._key, resource)
            return work(tx, caller)

        return await self.http.database.write(gated)


# Coroutines, because FastAPI runs other callables in a thread.
async def _request_context(request: Request) -> RequestContext:
    return RequestContext(request)


async def _mutation_context(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            description="A second request with the same key within two hours is refused with 409. A key "
            "counts for one operation on one destination in one workspace. A refused request frees its key."
        ),
    ] = None,
) -> MutationContext:
    if len(request.headers.getlist("idempotency-key")) > 1:
        raise InvalidInput.one("Idempotency-Key", "Send it once")
    return MutationContext(request, idempotency_key)


Authenticated = Annotated[RequestContext, Depends(_request_context)]
Mutating = Annotated[MutationContext, Depends(_mutation_context)]
