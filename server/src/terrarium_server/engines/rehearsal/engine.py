"""A fake engine: free and instant, and its jobs fail, hang or get lost if a parameter says so.

To use it, write a card with ``engine = "rehearsal"``; its parameters ``outcome`` and ``seconds`` choose what
happens.
"""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any

from terrarium_server.engines import (
    Failed,
    Finished,
    Followers,
    Job,
    Lost,
    Mark,
    News,
    Output,
    Progress,
    Refused,
    Ticket,
)
from terrarium_server.engines.setup import EngineOptions, Setup

# Jobs use no resources, so any number may run at once.
INSTANT = True
OPTIONS = EngineOptions

_PROGRESS_SECONDS = 0.25
_FAILURES = {
    "moderated": Failed("GENERATION_PROMPT_MODERATED", "The prompt was refused; change it and try again."),
    "failed": Failed("GENERATION_GENERIC_ERROR", "The rehearsal failed as asked; try once more."),
    "busy": Failed("GENERATION_QUEUE_TOO_LARGE", "The provider is busy; try again later.", retry_after=1.0),
}


@dataclass(frozen=True, slots=True)
class _RehearsalJob:
    job: Job
    began: float
    seconds: float
    outcome: str


class RehearsalEngine:
    """Returns the prompt as text."""

    repeatable = True
    longest_silence = math.inf

    def __init__(self, name: str = "rehearsal") -> None:
        """Start with no jobs."""
        self.name = name
        self._jobs: dict[Ticket, _RehearsalJob] = {}

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """Return None: it needs nothing."""
        return None

    def followers(self, mark: Mark) -> Followers:
        """Only this worker: the jobs are in its memory."""
        return "worker"

    async def prepare(self, job: Job) -> Mark:
        """Return the job's key as its mark."""
        return Mark(job.key)

    async def submit(self, job: Job, mark: Mark) -> Ticket:
        """Start a job. Raises Refused if its parameter ``outcome`` is ``refused``."""
        outcome = str(job.params.get("outcome", "completed"))
        if outcome == "refused":
            raise Refused("GENERATION_INVALID_PARAMS", "The rehearsal refused the job as asked.")
        ticket = Ticket(mark)
        self._jobs[ticket] = _RehearsalJob(
            job, time.monotonic(), float(job.params.get("seconds", 0.0)), outcome
        )
        return ticket

    async def find(self, mark: Mark) -> Ticket | None:
        """Return the ticket of a job of this process, else None."""
        return Ticket(mark) if mark in self._jobs else None

    async def follow(self, ticket: Ticket) -> AsyncGenerator[News]:
        """Yield the progress of a job, then its result."""
        job = self._jobs.get(ticket)
        while job is not None and job.outcome != "lost":
            left = job.began + job.seconds - time.monotonic()
            if left <= 0:
                del self._jobs[ticket]
                failure = _FAILURES.get(job.outcome)
                yield failure or Finished((Output("text/plain", job.job.prompt),))
                return
            yield Progress(max(0.0, 1 - left / job.seconds))
            await asyncio.sleep(min(left, _PROGRESS_SECONDS))
            job = self._jobs.get(ticket)
        self._jobs.pop(ticket, None)
        yield Lost()

    async def cancel(self, ticket: Ticket) -> None:
        """Forget a job."""
        self._jobs.pop(ticket, None)

    async def close(self) -> None:
        """Do nothing: it holds no resources."""


def build(setup: Setup) -> RehearsalEngine:
    """Build an engine."""
    return RehearsalEngine(setup.name)
