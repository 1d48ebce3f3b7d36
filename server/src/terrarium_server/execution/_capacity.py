"""How many more runs this worker may claim for each engine."""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from terrarium_server.engines.registry import Engines
from terrarium_server.runs import Run

from ._sharing import SharedCapacity

# How many runs of an engine may fetch their media at a time, in addition to those that use its capacity.
_MOST_FETCHING = 64


class TooManyFetches(Exception):
    """Too many runs of an engine are fetching their media; this one must be postponed."""


class EngineCapacity:
    """Counts the runs of each engine against the engine's limit.

    A run uses one unit of its engine's capacity from its claim to its end, except while its media are
    fetched: a slow host must not block the engine for other runs. ``on_free`` is called when capacity may
    have become free. Limits that count over all workers are not these, but those of `SharedCapacity`.
    """

    def __init__(
        self, engines: Engines, shared: SharedCapacity, default_limit: int, on_free: Callable[[], None]
    ) -> None:
        """``default_limit`` is how many runs an engine without a limit of its own may have."""
        self._engines = engines
        self._shared = shared
        self._default_limit = default_limit
        self._on_free = on_free
        self._used: Counter[str] = Counter()
        self._acquisitions = 0
        self._last_acquired: dict[str, int] = {}
        self._fetching: Counter[str] = Counter()
        # Runs whose media are fetched and that wait for capacity, first come first served.
        self._waiting: dict[str, deque[asyncio.Future[None]]] = defaultdict(deque)

    def free(self) -> dict[str, int]:
        """Return how many more runs each engine can take; full engines are left out.

        The engine that has waited longest comes first, so that all get a part of what the worker can do.
        """
        names = [engine.name for engine in self._engines]
        names.sort(key=lambda name: self._last_acquired.get(name, 0))
        free = {name: self._free(name) - len(self._waiting[name]) for name in names}
        return {name: count for name, count in free.items() if count > 0}

    def acquire(self, engine: str) -> None:
        """Use one unit, even beyond the limit: a run that was taken over must be executed."""
        self._used[engine] += 1
        self._acquisitions += 1
        self._last_acquired[engine] = self._acquisitions

    def release(self, engine: str) -> None:
        """Free one unit, for the first waiting run or for the next claim."""
        self._used[engine] -= 1
        waiting = self._waiting[engine]
        while waiting and self._free(engine) > 0:
            self._used[engine] += 1
            waiting.popleft().set_result(None)
        self._on_free()

    @asynccontextmanager
    async def released(self, run: Run) -> AsyncGenerator[None]:
        """Free a run's unit within the block, and acquire one after it.

        Raises TooManyFetches before it, and NotHeld before and after it.
        """
        engine = run.engine or ""
        if self._fetching[engine] >= _MOST_FETCHING:
            raise TooManyFetches
        self._fetching[engine] += 1
        self.release(engine)
        try:
            async with self._shared.released(run):
                yield
        except BaseException:
            # This run is about to end, and its end releases a unit.
            self.acquire(engine)
            raise
        else:
            await self._acquire_in_turn(engine)
        finally:
            self._fetching[engine] -= 1

    async def _acquire_in_turn(self, engine: str) -> None:
        waiting = self._waiting[engine]
        if not waiting and self._free(engine) > 0:
            self.acquire(engine)
            return
        turn = asyncio.get_running_loop().create_future()
        waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn in waiting:
                waiting.remove(turn)
                self.acquire(engine)
            raise

    def _free(self, engine: str) -> int:
        limit = self._engines.worker_limit(engine)
        return (self._default_limit if limit is None else limit) - self._used[engine]
