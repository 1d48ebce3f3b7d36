"""eSpeak NG: plain, robotic, instant speech in a hundred languages, from a program of its own."""

from collections.abc import Mapping
from typing import Any

from ._contract import Job, Ticket
from ._pooled import Pooled
from ._process import ProcessPool
from ._setup import EngineOptions, Setup
from ._speech.espeak import espeak_problem
from ._speech.request import speech_request

OPTIONS = EngineOptions


class EspeakEngine(Pooled):
    """Speaks through the eSpeak NG program. Repeatable: same job, same bytes."""

    def __init__(self, name: str, *, processes: int) -> None:
        """Use at most ``processes`` speakers."""
        module = "terrarium_server.engines._espeak_process"
        pool = ProcessPool(module, processes=processes, patience=300, cancel_grace=2)
        super().__init__(name, pool)

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


def build(setup: Setup) -> EspeakEngine:
    """Make the engine for this server."""
    return EspeakEngine(setup.name, processes=setup.processes)
