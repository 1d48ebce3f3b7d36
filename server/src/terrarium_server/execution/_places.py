"""How many runs of each engine this worker has, so that it claims no more than they can take."""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from terrarium_server.engines import Engines

# So many runs of an engine may wait for their media beside those that have a place.
_MOST_LENT = 64


class NoRoom(Exception):
    """Too many runs of an engine wait for their media; another one has to come back later."""


class Places:
    """A run has a place at its engine from its claim to its end, but for the time in which its media are
    fetched: a host that lets it wait must not keep others from the engine.

    ``freed`` is called when a place may have become free.
    """

    def __init__(self, engines: Engines, otherwise: int, freed: Callable[[], None]) -> None:
        """``otherwise`` is how many runs an engine without a limit may have."""
        self._engines = engines
        self._otherwise = otherwise
        self._freed = freed
        self._taken: Counter[str] = Counter()
        self._lent: Counter[str] = Counter()
        # Whose media are there, and who waits for a place, first come first served.
        self._waiting: dict[str, deque[asyncio.Future[None]]] = defaultdict(deque)

    def room(self) -> dict[str, int]:
        """How many more runs each engine can take; engines without room are left out."""
        names = [engine.name for engine in self._engines]
        left = {name: self._left(name) - len(self._waiting[name]) for name in names}
        return {name: places for name, places in left.items() if places > 0}

    def take(self, engine: str) -> None:
        """Take a place, also where there is none left, for a run that has to be taken over."""
        self._taken[engine] += 1

    def give_back(self, engine: str) -> None:
        """Give a place to whoever waits for it, or to a run that is claimed next."""
        self._taken[engine] -= 1
        waiting = self._waiting[engine]
        while waiting and self._left(engine) > 0:
            self._taken[engine] += 1
            waiting.popleft().set_result(None)
        self._freed()

    @asynccontextmanager
    async def lent(self, engine: str) -> AsyncGenerator[None]:
        """Let others have the place within the block, and wait for one after it. Raises NoRoom before it."""
        if self._lent[engine] >= _MOST_LENT:
            raise NoRoom
        self._lent[engine] += 1
        self.give_back(engine)
        try:
            yield
        except BaseException:
            # This run is about to end, and gives back what it has.
            self.take(engine)
            raise
        else:
            await self._take_in_turn(engine)
        finally:
            self._lent[engine] -= 1

    async def _take_in_turn(self, engine: str) -> None:
        waiting = self._waiting[engine]
        if not waiting and self._left(engine) > 0:
            self.take(engine)
            return
        turn = asyncio.get_running_loop().create_future()
        waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn in waiting:
                waiting.remove(turn)
                self.take(engine)
            raise

    def _left(self, engine: str) -> int:
        return self._engines.limits.get(engine, self._otherwise) - self._taken[engine]
