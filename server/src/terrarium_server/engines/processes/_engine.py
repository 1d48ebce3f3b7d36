import asyncio
import math
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from typing import Any

from ._contract import Followers, Job, Mark, News, Ticket
from ._process import ProcessPool


class Pooled(ABC):
    """What engines are alike in whose jobs one `ProcessPool` carries out.

    A kind adds `problem` and `request`. Repeatable: the same job gives the same bytes, and costs nothing but
    time. How long a process may be silent is the pool's matter.
    """

    repeatable = True
    longest_silence = math.inf

    def __init__(self, name: str, pool: ProcessPool) -> None:
        """Use a pool that is this engine's own."""
        self.name = name
        self._pool = pool

    @abstractmethod
    def request(self, job: Job) -> dict[str, Any]:
        """Check a job and return what its process is told, as JSON can say it. Raises Refused.

        Called in a thread, more than once for a job: it may look at files, and keeps nothing.
        """

    def followers(self, mark: Mark) -> Followers:
        """The processes are children of this one."""
        return "worker"

    async def prepare(self, job: Job) -> Mark:
        """Check a job; its key is the mark, and the ticket. Raises Refused."""
        await asyncio.to_thread(self.request, job)
        return Mark(job.key)

    async def submit(self, job: Job, mark: Mark) -> Ticket:
        """Queue a job for the next process that is free. Raises Refused."""
        return self._pool.submit(Ticket(mark), await asyncio.to_thread(self.request, job))

    async def find(self, mark: Mark) -> Ticket | None:
        """Find a job of these processes."""
        ticket = Ticket(mark)
        return ticket if self._pool.knows(ticket) else None

    def follow(self, ticket: Ticket) -> AsyncGenerator[News]:
        """Tell how a job goes."""
        return self._pool.follow(ticket)

    async def cancel(self, ticket: Ticket) -> None:
        """Forget a job; a process that is at it stops."""
        await self._pool.cancel(ticket)

    async def close(self) -> None:
        """End the processes."""
        await self._pool.close()
