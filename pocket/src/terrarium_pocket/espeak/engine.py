"""eSpeak NG: plain, robotic, instant speech in a hundred languages, from a program of its own."""

from collections.abc import Mapping
from typing import Any

from ._contract import Job
from ._limits import GIB, Limits
from ._pooled import Pooled
from ._process import ProcessPool
from ._setup import EngineOptions, Setup
from ._speech.espeak import espeak_problem
from ._speech.request import speech_request

OPTIONS = EngineOptions

# The longest text, spoken slowly, takes 3 GiB and 40 s.
_LIMITS = Limits(seconds=1800, memory=8 * GIB)


class EspeakEngine(Pooled):
    """Speaks through the eSpeak NG program. Repeatable: same job, same bytes."""

    def __init__(self, setup: Setup) -> None:
        """Use at most ``setup.processes`` speakers."""
        pool = ProcessPool(
            "terrarium_server.engines._espeak_process",
            processes=setup.processes,
            scratch=setup.scratch,
            limits=_LIMITS,
            patience=300,
            cancel_grace=2,
        )
        super().__init__(setup.name, pool)

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """Say how to install eSpeak NG if it is missing."""
        return espeak_problem()

    def request(self, job: Job) -> dict[str, Any]:
        """Ask for a text to be spoken. Raises Refused for another type or no text."""
        return {
            **speech_request(job),
            "language": str(job.params.get("language", "en-us")),
            "variant": str(job.params.get("voice", "default")),
            "pitch": int(job.params.get("pitch", 50)),
        }


def build(setup: Setup) -> EspeakEngine:
    """Make the engine for this server."""
    return EspeakEngine(setup)
