"""A worker's writes: made under its lease, and repeated until the database takes them."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from terrarium_server.store import UNAVAILABLE, Database, Transaction

from ._lease import Lease

T = TypeVar("T")

_log = logging.getLogger(__name__)

_FIRST_DELAY, _LONGEST_DELAY = 0.1, 5.0
_PAUSE_SECONDS = 0.05


class Writes:
    """Writes that outlast a database that is away: it delays what they note and fails nothing.

    A commit may arrive although its answer was lost, so whatever is written here can be written again.
    """

    def __init__(self, database: Database, lease: Lease) -> None:
        self._database = database
        self._lease = lease

    async def under_lease(self, work: Callable[[Transaction], T]) -> T:
        """Write once the lease is held, for what only the holder may decide."""
        return await self._repeated(work, leased=True)

    async def anyway(self, work: Callable[[Transaction], T]) -> T:
        """Write whoever holds what by now, for facts that must be known."""
        return await self._repeated(work, leased=False)

    async def lease_held(self) -> None:
        """Wait until the lease is held."""
        while not self._lease.is_held:  # noqa: ASYNC110 - another thread renews it
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _repeated(self, work: Callable[[Transaction], T], *, leased: bool) -> T:
        delay = _FIRST_DELAY
        while True:
            if leased:
                await self.lease_held()
            try:
                return await self._database.write_for_worker(work)
            except UNAVAILABLE as error:
                said = str(error).partition("\n")[0]
                _log.warning("the database did not take a write (%s); again in %.1f s", said, delay)
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
