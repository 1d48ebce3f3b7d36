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
class Door:
    """What every request may need."""

    database: Database
    blobs: Blobs
    catalog: Catalog
    admission: Admission
    signals: Signals
    public_url: str | None
    is_ready: Callable[[], bool]
    # A caller has ended a run: who waits for it is told, and who makes it here.
    run_ended: Callable[[str], None]


def base_url(request: Request) -> str:
    """Return where the client reached us, without a trailing slash: links must work from where it is."""
    door = cast(Door, request.app.state.door)
    host = request.headers.get("host") or "{}:{}".format(*request.scope["server"])
    return door.public_url or f"{request.scope['scheme']}://{host}"


class Visit:
    """One request: who calls is found out in the same transaction that does the work."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.door = cast(Door, request.app.state.door)
        self._token = bearer_token(request)

    async def write(self, work: Callable[[Transaction, Caller], T]) -> T:
        """Authenticate and run ``work`` in a transaction that may write."""
        return await self.door.database.write(lambda tx: work(tx, self._authenticate(tx)))

    async def read(self, work: Callable[[Transaction, Caller], T]) -> T:
        """Authenticate and run ``work`` in a transaction that only reads."""
        return await self.door.database.read(lambda tx: work(tx, self._authenticate(tx)))

    def _authenticate(self, tx: Transaction) -> Caller:
        caller = accounts.authenticate(tx, self._token)
        # For the RateLimit headers, which every answer carries, refusals too.
        self.request.state.caller = caller
        return caller

    @property
    def base_url(self) -> str:
        """Where the client reached us."""
        return base_url(self.request)


async def _visit(request: Request) -> Visit:
    # A coroutine, because FastAPI sends plain callables to a thread and waits for it.
    return Visit(request)


Visiting = Annotated[Visit, Depends(_visit)]
