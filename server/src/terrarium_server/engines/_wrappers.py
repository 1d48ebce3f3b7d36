"""Wrappers that add rate limits and logging to any engine."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from terrarium_server.engines._contract import (
    Engine,
    Failed,
    Finished,
    Followers,
    Job,
    Lost,
    Mark,
    News,
    Refused,
    Ticket,
    Unknown,
)

_log = logging.getLogger("terrarium_server.engines")


class _Wrapper:
    """Passes every call on to the wrapped engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.name = engine.name
        self.repeatable = engine.repeatable
        self.longest_silence = engine.longest_silence

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        return self.engine.problem(job_options)

    def followers(self, mark: Mark) -> Followers:
        return self.engine.followers(mark)

    async def prepare(self, job: Job) -> Mark:
        return await self.engine.prepare(job)

    async def submit(self, job: Job, mark: Mark) -> Ticket:
        return await self.engine.submit(job, mark)

    async def find(self, mark: Mark) -> Ticket | Unknown | None:
        return await self.engine.find(mark)

    def follow(self, ticket: Ticket) -> AsyncGenerator[News]:
        return self.engine.follow(ticket)

    async def cancel(self, ticket: Ticket) -> None:
        await self.engine.cancel(ticket)

    async def close(self) -> None:
        await self.engine.close()


class RateLimited(_Wrapper):
    """Submits at most ``per_second`` jobs a second.

    Jobs wait in `prepare`, before their mark is recorded, so that the call follows the mark at once.
    """

    def __init__(self, engine: Engine, per_second: float) -> None:
        super().__init__(engine)
        self._interval = 1.0 / per_second
        self._next = 0.0

    async def prepare(self, job: Job) -> Mark:
        """Wait until the rate allows another job, and prepare it. Raises Refused."""
        start = max(self._next, time.monotonic())
        self._next = start + self._interval
        await asyncio.sleep(start - time.monotonic())
        return await super().prepare(job)


class Logged(_Wrapper):
    """Logs submissions and results with their times; never a prompt, a parameter or a link."""

    async def submit(self, job: Job, mark: Mark) -> Ticket:
        """Submit, and log the duration or the refusal. Raises Refused."""
        began = time.monotonic()
        try:
            ticket = await super().submit(job, mark)
        except Refused as refused:
            _log.info("%s refused %s for %s: %s", self.name, job.key, job.model_id, refused.failure.code)
            raise
        _log.debug(
            "%s accepted %s for %s in %.3f s", self.name, job.key, job.model_id, time.monotonic() - began
        )
        return ticket

    async def follow(self, ticket: Ticket) -> AsyncGenerator[News]:
        """Follow, and log the result."""
        began = time.monotonic()
        async with aclosing(super().follow(ticket)) as news:
            async for update in news:
                if isinstance(update, Finished | Failed | Lost):
                    is_failure = isinstance(update, Failed)
                    outcome = f"failed with {update.code}" if is_failure else type(update).__name__
                    _log.debug("%s: followed for %.3f s: %s", self.name, time.monotonic() - began, outcome)
                yield update

    async def cancel(self, ticket: Ticket) -> None:
        """Cancel, and log it."""
        _log.info("%s: a job was cancelled", self.name)
        await super().cancel(ticket)
