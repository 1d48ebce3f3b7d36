"""A worker's reads and writes, repeated until the database answers."""

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
_LOG_SECONDS = 10.0


class NotHeld(Exception):
    """The run has ended, or another worker has it, so this worker may not write to it."""


class Writes:
    """Reads and writes that wait for a database that is unavailable, instead of failing.

    A commit may succeed although its answer was lost, so all of these writes must be idempotent.
    """

    def __init__(self, database: Database, lease: Lease) -> None:
        self._database = database
        self._lease = lease
        self._logged_at = float("-inf")

    async def under_lease(self, work: Callable[[Transaction], T]) -> T:
        """Write while the lease is held, for decisions that only its holder may make."""

        async def write() -> T:
            await self.lease_held()
            return await self._database.write_for_worker(work)

        return await self._retry(write)

    async def without_lease(self, work: Callable[[Transaction], T]) -> T:
        """Write without regard to the lease, for facts that must be recorded in any case."""
        return await self._retry(lambda: self._database.write_for_worker(work))

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Read, as soon as the database answers."""
        return await self._retry(lambda: self._database.read(work))

    async def lease_held(self) -> None:
        """Wait until the lease is held."""
        while not self._lease.is_held:  # noqa: ASYNC110 - another thread renews it
            await asyncio.sleep(_PAUSE_SECONDS)

    def log_unavailable(self, error: BaseException) -> None:
        """Log that the database does not answer, not more than every ten seconds."""
        if clock_seconds() - self._logged_at > _LOG_SECONDS:
            self._logged_at = clock_seconds()
            _log.warning("the database does not answer (%s); trying again", str(error).partition("\n")[0])

    async def _retry(self, attempt: Callable[[], Coroutine[Any, Any, T]]) -> T:
        delay = _FIRST_DELAY
        while True:
            try:
                return await attempt()
            except UNAVAILABLE as error:
                self.log_unavailable(error)
            await asyncio.sleep(delay)
            delay = min(delay * 2, _LONGEST_DELAY)


async def uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """Finish ``work`` even if the caller is cancelled; the cancellation is raised after it."""
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
        # Retrieved, because asyncio logs a task's exception that nobody has retrieved.
        task.exception()
        raise cancelled
    return task.result()
