"""Time that does not count while this process is suspended or its machine sleeps."""

import asyncio
from types import TracebackType

from ._lease import clock_seconds

# How much of a pause counts at most; a running loop ticks sooner.
_LONGEST_PAUSE = 2.0
_SHORTEST_DELAY = 0.01


class WorkingTime:
    """Counts the time in which the worker's event loop runs; the worker calls `tick` every second."""

    def __init__(self) -> None:
        self._before = 0.0
        # When the loop was last known to run, by `clock_seconds`.
        self.ticked_at = clock_seconds()

    def tick(self) -> None:
        """Note that the loop runs."""
        self._before, self.ticked_at = self.seconds, clock_seconds()

    @property
    def seconds(self) -> float:
        """The time counted so far."""
        return self._before + min(clock_seconds() - self.ticked_at, _LONGEST_PAUSE)

    def limit(self, seconds: float | None) -> "Limit":
        """Like `asyncio.timeout`, in working time."""
        return Limit(self, seconds)


class Limit:
    """Cancels its block after so many seconds of working time and raises TimeoutError; None means never."""

    def __init__(self, time: WorkingTime, seconds: float | None) -> None:
        self._time = time
        self._seconds = seconds
        self._since = time.seconds
        self._timeout = asyncio.timeout(None)
        self._timer: asyncio.TimerHandle | None = None

    def restart(self) -> None:
        """Start counting again."""
        self._since = self._time.seconds

    @property
    def is_expired(self) -> bool:
        """Whether it has cancelled its block."""
        return self._timeout.expired()

    async def __aenter__(self) -> "Limit":
        await self._timeout.__aenter__()
        self._check()
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

    def _check(self) -> None:
        if self._seconds is None:
            return
        left = self._since + self._seconds - self._time.seconds
        loop = asyncio.get_running_loop()
        if left > 0:
            self._timer = loop.call_later(max(left, _SHORTEST_DELAY), self._check)
        else:
            self._timeout.reschedule(loop.time())
