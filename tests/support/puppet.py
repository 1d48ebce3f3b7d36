"""An engine on strings: it does what the test says, when the test says it."""

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from terrarium_server.engines import Finished, Job, Look, Lost, Output, Ticket, Waiting

Play = Callable[[Job], Iterator[Look]]


def answers(job: Job) -> Iterator[Look]:
    """Finish at the first look, with the prompt."""
    yield Finished((Output("text/plain", job.prompt),))


class Puppet:
    """Plays ``play`` for each job, one yield for each look; stands in for the rehearsal engine."""

    name = "rehearsal"

    def __init__(self, play: Play = answers, *, repeatable: bool = True) -> None:
        self.repeatable = repeatable
        self.submitted: list[str] = []
        self.cancelled: list[str] = []
        self._play = play
        self._plays: dict[Ticket, Iterator[Look]] = {}

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        return None

    def submit(self, job: Job) -> Ticket:
        self.submitted.append(job.key)
        ticket = Ticket(job.key)
        self._plays[ticket] = self._play(job)
        return ticket

    def look(self, ticket: Ticket, *, wait_seconds: float) -> Look:
        return next(self._plays[ticket]) if ticket in self._plays else Lost()

    def cancel(self, ticket: Ticket) -> None:
        self.cancelled.append(ticket)
        self._plays.pop(ticket, None)

    def close(self) -> None:
        """Nothing to let go of."""


class Gate:
    """Lets a counted number of jobs finish; the others wait."""

    def __init__(self) -> None:
        self._permits = threading.Semaphore(0)

    def open_for(self, count: int) -> None:
        self._permits.release(count)

    def __call__(self, job: Job) -> Iterator[Look]:
        """The play: wait until this job is let through."""
        while not self._permits.acquire(timeout=0.05):
            yield Waiting(0.0)
        yield from answers(job)
