"""The base class of engines that run their jobs in a pool of model processes."""

import asyncio
import math
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from typing import Any

from terrarium_server.engines import Followers, Job, Mark, News, Refused, Ticket
from terrarium_server.engines.child.frames import FrameTooLarge, pack_frame

from ._pool import ProcessPool


class PooledEngine(ABC):
    """An engine that runs its jobs in a `ProcessPool`.

    A kind adds `problem` and `request`. Repeatable: the same job gives the same bytes and costs only time.
    The pool kills processes that are silent for too long, so ``longest_silence`` has no limit.
    """

    repeatable = True
    longest_silence = math.inf

    def __init__(self, name: str, pool: ProcessPool) -> None:
        """Use a pool that no other engine uses."""
        self.name = name
        self._pool = pool

    @abstractmethod
    def request(self, job: Job) -> dict[str, Any]:
        """Check a job and return the request for its process, which must be JSON. Raises Refused.

        Called in a thread, and more than once for a job: it may read files, and must not keep state.
        """

    def followers(self, mark: Mark) -> Followers:
        """Only this worker: the processes are its children."""
        return "worker"

    async def prepare(self, job: Job) -> Mark:
        """Check a job; its key is both mark and ticket. Raises Refused."""
        await asyncio.to_thread(self._check, job)
        return Mark(job.key)

    async def submit(self, job: Job, mark: Mark) -> Ticket:
        """Queue a job for the next process that is free. Raises Refused."""
        return self._pool.submit(Ticket(mark), await asyncio.to_thread(self._request, job))

    async def find(self, mark: Mark) -> Ticket | None:
        """Return the ticket of a job of this pool, else None."""
        ticket = Ticket(mark)
        return ticket if ticket in self._pool else None

    def follow(self, ticket: Ticket) -> AsyncGenerator[News]:
        """Yield the progress of a job, then its result."""
        return self._pool.follow(ticket)

    async def cancel(self, ticket: Ticket) -> None:
        """Forget a job; the process that runs it stops."""
        await self._pool.cancel(ticket)

    async def close(self) -> None:
        """End the processes."""
        await self._pool.close()

    def _check(self, job: Job) -> None:
        """Raise an error for a request that cannot be sent, before anything else is done for the job."""
        request = self._request(job)
        try:
            pack_frame(request)
        except FrameTooLarge as error:
            message = f"The request is too large for a model process: {error}."
            raise Refused("GENERATION_INPUT_VALIDATION", message) from error

    def _request(self, job: Job) -> dict[str, Any]:
        try:
            return self.request(job)
        except StopIteration as error:
            # No future can hold this exception: whoever waits for the thread would wait for ever.
            raise RuntimeError(f"engine {self.name}: request raised {error!r}") from error
