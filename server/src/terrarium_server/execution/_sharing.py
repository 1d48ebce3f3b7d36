"""Engines that are shared with other workers: their limits count the runs of all workers."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from terrarium_server import runs
from terrarium_server.engines.registry import Engines
from terrarium_server.runs import Run

from ._writes import NotHeld, Writes

# A worker that dies frees capacity without a notification.
_LOOK_SECONDS = 2.0


class SharedCapacity:
    """Lets a run leave its engine while its media are fetched, and return when there is capacity again."""

    def __init__(self, engines: Engines, writes: Writes) -> None:
        self._engines = engines
        self._writes = writes
        # Set when capacity may have become free; a new one each time, as several may wait for it.
        self._freed = asyncio.Event()
        # For each engine, held by the run that returns next: they do so one after the other.
        self._returning: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @property
    def limits(self) -> dict[str, int]:
        """How many runs each shared engine may have over all workers."""
        return self._engines.shared_limits

    def wake(self) -> None:
        """Look for capacity now: a run has ended somewhere."""
        self._freed.set()
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def released(self, run: Run) -> AsyncGenerator[None]:
        """Free a run's place within the block, and take one after it. Raises NotHeld."""
        engine = run.engine or ""
        limit = self.limits.get(engine)
        if limit is None:
            yield
            return
        if not await self._writes.under_lease(lambda tx: runs.leave_engine(tx, run)):
            raise NotHeld
        yield
        async with self._returning[engine]:
            while True:
                freed = self._freed
                has_returned = await self._writes.under_lease(
                    lambda tx: runs.return_to_engine(tx, run, limit)
                )
                if has_returned is None:
                    raise NotHeld
                if has_returned:
                    return
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await freed.wait()
