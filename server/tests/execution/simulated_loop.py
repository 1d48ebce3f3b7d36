"""Simulated time, and an event loop that runs in it."""

import asyncio
import heapq
import itertools
from collections import deque
from collections.abc import Callable
from contextvars import Context as Variables
from typing import Any, TypeVar

import sqlalchemy as sa

T = TypeVar("T")


class Clock:
    """The time in seconds, for the database and for every process."""

    def __init__(self) -> None:
        self.now = 0.0

    def milliseconds(self) -> int:
        return 1_800_000_000_000 + round(self.now * 1000)

    def expression(self) -> sa.ColumnElement[int]:
        return sa.literal(self.milliseconds(), sa.BigInteger)


class SimulatedLoop(asyncio.AbstractEventLoop):
    """The parts of an event loop that tasks and timers need."""

    def __init__(self, clock: Clock, report: Callable[[str], None]) -> None:
        self._clock = clock
        self._report = report
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._numbers = itertools.count()

    def step(self) -> bool:
        """Run the next handle; False if there is none."""
        while self._timers and (self._timers[0][0] <= self._clock.now or self._timers[0][2].cancelled()):
            self._ready.append(heapq.heappop(self._timers)[2])
        while self._ready:
            handle = self._ready.popleft()
            if not handle.cancelled():
                asyncio._set_running_loop(self)
                try:
                    handle._run()
                finally:
                    asyncio._set_running_loop(None)
                return True
        return False

    @property
    def next_due(self) -> float:
        """When the next timer is due."""
        return min((when for when, _, timer in self._timers if not timer.cancelled()), default=float("inf"))

    def time(self) -> float:
        return self._clock.now

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: Variables | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    call_soon_threadsafe = call_soon

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Variables | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Variables | None = None
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Nothing to do: `step` skips a cancelled timer."""

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, **named: Any) -> asyncio.Task[Any]:
        return asyncio.Task(coro, loop=self, **named)

    def get_debug(self) -> bool:
        return False

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        # Contexts without a handle are unretrieved exceptions, reported at an arbitrary time of collection.
        if "handle" in context:
            self._report(f"a callback failed: {context.get('exception')!r}")
