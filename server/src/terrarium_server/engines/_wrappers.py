"""What is wrapped around engines, so that it need not be written into each of them."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from ._contract import Engine, Failed, Finished, Followers, Job, Lost, Mark, News, Refused, Ticket, Unknown

_log = logging.getLogger("terrarium_server.engines")


class _Wrapped:
    """Passes everything on to the engine inside."""

    def __init__(self, inside: Engine) -> None:
        self.inside = inside
        self.name = inside.name
        self.repeatable = inside.repeatable
        self.longest_silence = inside.longest_silence

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        return self.inside.problem(job_options)

    def followers(self, mark: Mark) -> Followers:
        return self.inside.followers(mark)

    async def prepare(self, job: Job) -> Mark:
        return await self.inside.prepare(job)

    async def submit(self, job: Job, mark: Mark) -> Ticket:
        return await self.inside.submit(job, mark)

    async def find(self, mark: Mark) -> Ticket | Unknown | None:
        return await self.inside.find(mark)

    def follow(self, ticket: Ticket) -> AsyncGenerator[News]:
        return self.inside.follow(ticket)

    async def cancel(self, ticket: Ticket) -> None:
        await self.inside.cancel(ticket)

    async def close(self) -> None:
        await self.inside.close()


class RateLimited(_Wrapped):
    """Submits at most so many jobs a second; one that comes too early waits for its turn.

    It waits in `prepare`, before anything is written down, so that a mark is followed by its call at once.
    """

    def __init__(self, inside: Engine, per_second: float) -> None:
        super().__init__(inside)
        self._every = 1.0 / per_second
        self._next = 0.0

    async def prepare(self, job: Job) -> Mark:
        """Wait for a turn, and prepare."""
        turn = max(self._next, time.monotonic())
        self._next = turn + self._every
        await asyncio.sleep(turn - time.monotonic())
        return await super().prepare(job)


class Logged(_Wrapped):
    """Logs each submit and each end with its time; never a prompt, a parameter or a link."""

    async def submit(self, job: Job, mark: Mark) -> Ticket:
        """Submit, and log how long that took."""
        began = time.monotonic()
        try:
            ticket = await super().submit(job, mark)
        except Refused as refused:
            _log.info("%s refused %s for %s: %s", self.name, job.key, job.model_id, refused.failure.code)
            raise
        _log.debug("%s took %s for %s in %.3f s", self.name, job.key, job.model_id, time.monotonic() - began)
        return ticket

    async def follow(self, ticket: Ticket) -> AsyncGenerator[News]:
        """Follow, and log the end."""
        began = time.monotonic()
        async with aclosing(super().follow(ticket)) as news:
            async for heard in news:
                if isinstance(heard, Finished | Failed | Lost):
                    outcome = (
                        f"failed with {heard.code}" if isinstance(heard, Failed) else type(heard).__name__
                    )
                    _log.debug("%s: followed for %.3f s: %s", self.name, time.monotonic() - began, outcome)
                yield heard

    async def cancel(self, ticket: Ticket) -> None:
        """Cancel, and log it."""
        _log.info("%s: a job was cancelled", self.name)
        await super().cancel(ticket)
