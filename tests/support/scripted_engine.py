"""An engine whose jobs run a script of the test."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from typing import Any

from terrarium_server.engines import (
    Finished,
    Followers,
    Job,
    Lost,
    Mark,
    News,
    Output,
    Progress,
    Ticket,
    Unknown,
)

Script = Callable[[Job], AsyncIterator[News]]


async def echo(job: Job) -> AsyncIterator[News]:
    """Finish at once, with the prompt as text."""
    yield Finished((Output("text/plain", job.prompt),))


class ScriptedEngine:
    """Runs ``script`` for each job, under the name of the rehearsal engine.

    Jobs are found by their marks, and followed, by any worker of this process. ``submitted`` and
    ``cancelled`` hold the jobs' keys: a run's id, a dot and a number.
    """

    name = "rehearsal"
    longest_silence = 60.0

    def __init__(self, script: Script = echo, *, repeatable: bool = True) -> None:
        self.repeatable = repeatable
        self.submitted: list[str] = []
        self.cancelled: list[str] = []
        self._script = script
        self._jobs: dict[str, Job] = {}

    @property
    def runs(self) -> list[str]:
        """The runs whose jobs were submitted, in order."""
        return [key.partition(".")[0] for key in self.submitted]

    @property
    def stopped(self) -> list[str]:
        """The runs whose jobs were cancelled."""
        return [key.partition(".")[0] for key in self.cancelled]

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        return None

    def followers(self, mark: Mark) -> Followers:
        return "worker" if self.repeatable else "anyone"

    async def prepare(self, job: Job) -> Mark:
        return Mark(job.key)

    async def submit(self, job: Job, mark: Mark) -> Ticket:
        self.submitted.append(job.key)
        self._jobs[job.key] = job
        return Ticket(job.key)

    async def find(self, mark: Mark) -> Ticket | Unknown | None:
        return Ticket(mark) if mark in self._jobs else None

    async def follow(self, ticket: Ticket) -> AsyncGenerator[News]:
        job = self._jobs.get(ticket)
        if job is None:
            yield Lost()
            return
        async for news in self._script(job):
            yield news

    async def cancel(self, ticket: Ticket) -> None:
        self.cancelled.append(ticket)
        self._jobs.pop(ticket, None)

    async def close(self) -> None:
        """Do nothing: it holds no resources."""


class Gate:
    """A script that lets a number of jobs finish; the others wait."""

    def __init__(self) -> None:
        self._permits = 0

    def open_for(self, count: int) -> None:
        self._permits += count

    @property
    def permits(self) -> int:
        """How many more jobs may finish."""
        return self._permits

    async def __call__(self, job: Job) -> AsyncIterator[News]:
        """Wait until this job may finish."""
        while self._permits <= 0:
            yield Progress(0.0)
            await asyncio.sleep(0.02)
        self._permits -= 1
        async for news in echo(job):
            yield news
