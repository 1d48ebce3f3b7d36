"""A working fake that ships: instant, free, and it fails, stalls or loses a job when told to.

No card of ours uses it. An owner who tests a client, or the tests and benchmarks here, write a card with
``engine = "rehearsal"``; its parameters ``outcome`` and ``seconds`` choose what happens.
"""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any

from ._contract import (
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
from ._setup import EngineOptions, Setup

# Its jobs take no time: any number at once.
INSTANT = True
OPTIONS = EngineOptions

_PROGRESS_SECONDS = 0.25
_FAILURES = {
    "moderated": Failed("GENERATION_PROMPT_MODERATED", "The prompt was refused; change it and try again."),
    "failed": Failed("GENERATION_GENERIC_ERROR", "The rehearsal failed as asked; try once more."),
    "busy": Failed("GENERATION_QUEUE_TOO_LARGE", "The provider is busy; try again later.", retry_after=1.0),
}


@dataclass(frozen=True, slots=True)
class _Rehearsed:
    job: Job
    began: float
    seconds: float
    outcome: str


class RehearsalEngine:
    """Answers with the prompt as text."""

    repeatable = True
    longest_silence = math.inf

    def __init__(self, name: str = "rehearsal") -> None:
        """Start with no jobs."""
        self.name = name
        self._jobs: dict[Ticket, _Rehearsed] = {}

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """Nothing can be missing."""
        return None

    def followers(self, mark: Mark) -> Followers:
        """Jobs are known to this process alone."""
        return "worker"

    async def prepare(self, job: Job) -> Mark:
        """Name a job by its key."""
        return Mark(job.key)

    async def submit(self, job: Job, mark: Mark) -> Ticket:
        """Take a job. Raises Refused if the outcome asked for is ``refused``."""
        outcome = str(job.params.get("outcome", "completed"))
        if outcome == "refused":
            raise Refused("GENERATION_INVALID_PARAMS", "The rehearsal refused the job as asked.")
        ticket = Ticket(mark)
        self._jobs[ticket] = _Rehearsed(job, time.monotonic(), float(job.params.get("seconds", 0.0)), outcome)
        return ticket

    async def find(self, mark: Mark) -> Ticket | None:
        """Find a job of this process."""
        return Ticket(mark) if mark in self._jobs else None

    async def follow(self, ticket: Ticket) -> AsyncGenerator[News]:
        """Tell how a job goes."""
        rehearsed = self._jobs.get(ticket)
        while rehearsed is not None and rehearsed.outcome != "lost":
            left = rehearsed.began + rehearsed.seconds - time.monotonic()
            if left <= 0:
                del self._jobs[ticket]
                failure = _FAILURES.get(rehearsed.outcome)
                yield failure or Finished((Output("text/plain", rehearsed.job.prompt),))
                return
            yield Progress(max(0.0, 1 - left / rehearsed.seconds))
            await asyncio.sleep(min(left, _PROGRESS_SECONDS))
            rehearsed = self._jobs.get(ticket)
        self._jobs.pop(ticket, None)
        yield Lost()

    async def cancel(self, ticket: Ticket) -> None:
        """Forget a job."""
        self._jobs.pop(ticket, None)

    async def close(self) -> None:
        """Nothing to let go of."""


def build(setup: Setup) -> RehearsalEngine:
    """Make the engine; it needs no process."""
    return RehearsalEngine(setup.name)
