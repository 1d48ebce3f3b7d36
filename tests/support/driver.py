"""An engine on a loop in a thread of its own, for tests that are not asynchronous."""

import asyncio
import selectors
import threading
import time
from collections.abc import Coroutine, Generator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from support.server import DEADLINE
from terrarium_server.engines import (
    Engine,
    Failed,
    Finished,
    Job,
    Lost,
    News,
    Output,
    Progress,
    Ticket,
    Unknown,
)

T = TypeVar("T")


class _Stopwatch(selectors.DefaultSelector):  # pyright: ignore[reportGeneralTypeIssues, reportUntypedBaseClass]
    """Measures how long a loop works between two polls of its selector."""

    def __init__(self) -> None:
        super().__init__()
        self.longest = 0.0
        self._began = time.perf_counter()

    def select(self, timeout: float | None = None) -> Any:
        self.longest = max(self.longest, time.perf_counter() - self._began)
        events = super().select(timeout)
        self._began = time.perf_counter()
        return events


class EngineDriver:
    """Drives one engine as a worker does."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._stopwatch = _Stopwatch()
        self._loop = asyncio.SelectorEventLoop(self._stopwatch)
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    @property
    def longest_hold(self) -> float:
        """The longest time in seconds that the loop was blocked; reading it begins a new measurement."""
        longest, self._stopwatch.longest = self._stopwatch.longest, 0.0
        return longest

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the engine's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(DEADLINE)

    def submit(self, job: Job) -> Ticket:
        """Prepare and submit. Raises Refused."""

        async def work() -> Ticket:
            return await self.engine.submit(job, await self.engine.prepare(job))

        return self.wait(work())

    def find(self, job: Job) -> Ticket | Unknown | None:
        """Look for a job by its mark."""

        async def work() -> Ticket | Unknown | None:
            return await self.engine.find(await self.engine.prepare(job))

        return self.wait(work())

    def follow(self, ticket: Ticket) -> Generator[News]:
        """Yield the news of a job up to its end; closing the generator ends the following."""
        news = self.engine.follow(ticket)
        try:
            while True:
                try:
                    yield self.wait(anext(news))  # pyright: ignore[reportArgumentType]
                except StopAsyncIteration:
                    return
        finally:
            self.wait(news.aclose())

    def end(self, ticket: Ticket) -> Finished | Failed | Lost:
        """Follow a job to its end; its progress never goes back."""

        async def work() -> Finished | Failed | Lost:
            fraction = 0.0
            async with aclosing(self.engine.follow(ticket)) as news:
                async for item in news:
                    if not isinstance(item, Progress):
                        return item
                    assert fraction <= item.fraction <= 1.0
                    fraction = item.fraction
            raise AssertionError("the news stopped before the end of the job")

        return self.wait(work())

    def run(self, job: Job) -> Finished | Failed | Lost:
        """Submit a job and follow it to its end."""
        return self.end(self.submit(job))

    def wait_until_started(self, ticket: Ticket) -> None:
        """Wait for a job's first progress."""
        for item in self.follow(ticket):
            assert isinstance(item, Progress), item
            if item.fraction > 0:
                return

    def cancel(self, ticket: Ticket) -> None:
        self.wait(self.engine.cancel(ticket))

    def close(self) -> None:
        """Close the engine; its loop continues."""
        self.wait(self.engine.close())

    def stop(self) -> None:
        """Close the engine and end the loop."""
        self.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE)
        self._loop.close()


@contextmanager
def drive_engine(engine: Engine) -> Generator[EngineDriver]:
    """Drive an engine and stop it afterwards."""
    driver = EngineDriver(engine)
    try:
        yield driver
    finally:
        driver.stop()


def content(output: Output) -> bytes | str:
    """The content of an output; a file is read and deleted, as when it is stored."""
    if not isinstance(output.data, Path):
        return output.data
    data = output.data.read_bytes()
    output.data.unlink()
    return data
