"""Time in which this process was at work: while it is stopped, or its machine sleeps, nobody waits."""

import asyncio
from types import TracebackType

from ._lease import clock_seconds

# So much of a pause counts all the same; a loop that works turns sooner.
_LONGEST_TURN = 2.0
_SHORTEST_LOOK = 0.01


class WorkingTime:
    """Goes on as long as the worker's loop turns, which ticks every second."""

    def __init__(self) -> None:
        self._before = 0.0
        # When the loop was last known to turn, by `clock_seconds`.
        self.ticked_at = clock_seconds()

    def tick(self) -> None:
        """The loop turns."""
        self._before, self.ticked_at = self.seconds, clock_seconds()

    @property
    def seconds(self) -> float:
        """How long it has been at work."""
        return self._before + min(clock_seconds() - self.ticked_at, _LONGEST_TURN)

    def limit(self, seconds: float | None) -> "Limit":
        """Like `asyncio.timeout`, in working time."""
        return Limit(self, seconds)


class Limit:
    """Raises TimeoutError at its end if what is done within it took so many seconds; None is for ever."""

    def __init__(self, time: WorkingTime, seconds: float | None) -> None:
        self._time = time
        self._seconds = seconds
        self._since = time.seconds
        self._timeout = asyncio.timeout(None)
        self._timer: asyncio.TimerHandle | None = None

    def restart(self) -> None:
        """Count from now on."""
        self._since = self._time.seconds

    @property
    def is_expired(self) -> bool:
        """Whether it has ended what was done within it."""
        return self._timeout.expired()

    async def __aenter__(self) -> "Limit":
        await self._timeout.__aenter__()
        self._look()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        await self._timeout.__aexit__(kind, error, traceback)

    def _look(self) -> None:
        if self._seconds is None:
            return
        left = self._since + self._seconds - self._time.seconds
        loop = asyncio.get_running_loop()
        if left > 0:
            self._timer = loop.call_later(max(left, _SHORTEST_LOOK), self._look)
        else:
            self._timeout.reschedule(loop.time())
