"""A working fake that ships: instant, free, and it fails, stalls or loses a job when told to.

No card of ours uses it. An owner who tests a client, or the tests and benchmarks here, write a card with
``engine = "rehearsal"``; its parameters ``outcome`` and ``seconds`` choose what happens.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ._contract import Failed, Finished, Job, Look, Lost, Output, Refused, Ticket, Waiting
from ._setup import EngineOptions, Setup

# Its jobs take no time: any number at once.
INSTANT = True
OPTIONS = EngineOptions

_FAILURES = {
    "moderated": Failed("GENERATION_PROMPT_MODERATED", "The prompt was refused; change it and try again."),
    "failed": Failed("GENERATION_GENERIC_ERROR", "The rehearsal failed as asked; try once more."),
    "busy": Failed("GENERATION_QUEUE_TOO_LARGE", "The provider is busy; try again later.", retry_after=5.0),
}


@dataclass(frozen=True, slots=True)
class _Act:
    job: Job
    began: float
    seconds: float
    outcome: str


class RehearsalEngine:
    """Answers with the prompt as text."""

    repeatable = True

    def __init__(self, name: str = "rehearsal") -> None:
        """Start with no acts."""
        self.name = name
        self._acts: dict[Ticket, _Act] = {}

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """Nothing can be missing."""
        return None

    def submit(self, job: Job) -> Ticket:
        """Take a job. Raises Refused if the outcome asked for is ``refused``."""
        outcome = str(job.params.get("outcome", "completed"))
        if outcome == "refused":
            raise Refused("GENERATION_INVALID_PARAMS", "The rehearsal refused the job as asked.")
        ticket = Ticket(job.key)
        self._acts[ticket] = _Act(job, time.monotonic(), float(job.params.get("seconds", 0.0)), outcome)
        return ticket

    def look(self, ticket: Ticket, *, wait_seconds: float) -> Look:
        """Say how an act stands."""
        act = self._acts.get(ticket)
        if act is None or act.outcome == "lost":
            return Lost()
        left = act.began + act.seconds - time.monotonic()
        if left > 0:
            time.sleep(min(left, wait_seconds))
            if left > wait_seconds:
                return Waiting(min(0.99, (time.monotonic() - act.began) / act.seconds))
        del self._acts[ticket]
        if act.outcome in _FAILURES:
            return _FAILURES[act.outcome]
        return Finished((Output("text/plain", act.job.prompt),))

    def cancel(self, ticket: Ticket) -> None:
        """Forget an act."""
        self._acts.pop(ticket, None)

    def close(self) -> None:
        """Nothing to let go of."""


def build(setup: Setup) -> RehearsalEngine:
    """Make the engine; it needs no process."""
    return RehearsalEngine(setup.name)
