"""eSpeak NG: plain, robotic, instant speech in a hundred languages, from a program of its own."""

from collections.abc import Mapping
from typing import Any

from ._contract import Job, Look, Ticket
from ._process import ProcessPool
from ._setup import EngineOptions, Setup
from ._speech.espeak import espeak_problem
from ._speech.request import speech_request

OPTIONS = EngineOptions


class EspeakEngine:
    """Speaks through the eSpeak NG program. Repeatable: same job, same bytes."""

    repeatable = True

    def __init__(self, name: str, *, processes: int) -> None:
        """Use at most ``processes`` speakers."""
        self.name = name
        module = "terrarium_server.engines._espeak_process"
        self._pool = ProcessPool(module, processes=processes, patience=300, cancel_grace=2)

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """Say how to install eSpeak NG if it is missing."""
        return espeak_problem()

    def submit(self, job: Job) -> Ticket:
        """Queue a text to speak. Raises Refused for another type or no text."""
        request = speech_request(job)
        request |= {
            "language": str(job.params.get("language", "en-us")),
            "variant": str(job.params.get("voice", "default")),
            "pitch": int(job.params.get("pitch", 50)),
        }
        return self._pool.submit(Ticket(job.key), request)

    def look(self, ticket: Ticket, *, wait_seconds: float) -> Look:
        """Say how it stands."""
        return self._pool.look(ticket, wait_seconds=wait_seconds)

    def cancel(self, ticket: Ticket) -> None:
        """Stop after the sentence that is being spoken."""
        self._pool.cancel(ticket)

    def close(self) -> None:
        """End the speakers."""
        self._pool.close()


def build(setup: Setup) -> EspeakEngine:
    """Make the engine for this server."""
    return EspeakEngine(setup.name, processes=setup.processes)
