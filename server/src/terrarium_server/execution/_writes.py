"""A worker's reads and writes: the latter under its lease, both repeated until the database answers."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from terrarium_server.store import UNAVAILABLE, Database, Transaction

from ._lease import Lease, clock_seconds

T = TypeVar("T")

_log = logging.getLogger(__name__)

_FIRST_DELAY, _LONGEST_DELAY = 0.1, 5.0
_PAUSE_SECONDS = 0.05
_COMPLAIN_SECONDS = 10.0


class Writes:
    """Reads and writes that outlast a database that is away: it delays what they note and fails nothing.

    A commit may arrive although its answer was lost, so whatever is written here can be written again.
    """

    def __init__(self, database: Database, lease: Lease) -> None:
        self._database = database
        self._lease = lease
        self._complained = float("-inf")

    async def under_lease(self, work: Callable[[Transaction], T]) -> T:
        """Write once the lease is held, for what only the holder may decide."""

        async def write() -> T:
            await self.lease_held()
            return await self._database.write_for_worker(work)

        return await self._until_taken(write)

    async def anyway(self, work: Callable[[Transaction], T]) -> T:
        """Write whoever holds what by now, for facts that must be known."""
        return await self._until_taken(lambda: self._database.write_for_worker(work))

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Read, as soon as the database answers."""
        return await self._until_taken(lambda: self._database.read(work))

    async def lease_held(self) -> None:
        """Wait until the lease is held."""
        while not self._lease.is_held:  # noqa: ASYNC110 - another thread renews it
            await asyncio.sleep(_PAUSE_SECONDS)

    def complain(self, error: BaseException) -> None:
        """Log that the database does not answer, now and then: everybody who tries again notices it."""
        if clock_seconds() - self._complained > _COMPLAIN_SECONDS:
            self._complained = clock_seconds()
            _log.warning("the database does not answer (%s); trying again", str(error).partition("\n")[0])

    async def _until_taken(self, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        delay = _FIRST_DELAY
        while True:
            try:
                return await ask()
            except UNAVAILABLE as error:
                self.complain(error)
            await asyncio.sleep(delay)
            delay = min(delay * 2, _LONGEST_DELAY)


async def uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """Let ``work`` come to its end although the caller is cancelled; then the cancelling goes on."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.cancelled():
                raise
            cancelled = error
        except BaseException:
            break
    if cancelled is not None:
        # Asked for, so that asyncio does not complain that nobody looked at it.
        task.exception()
        raise cancelled
    return task.result()
