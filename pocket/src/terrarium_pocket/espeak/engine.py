"""The engine of the kind ``espeak``, as the server sees it."""

from collections.abc import Mapping
from typing import Any

from terrarium_pocket.speech.espeak import espeak_problem
from terrarium_pocket.speech.request import speech_request
from terrarium_server.engines import Job
from terrarium_server.engines.processes import GIB, Limits, PooledEngine, ProcessPool
from terrarium_server.engines.setup import EngineOptions, Setup

OPTIONS = EngineOptions

# The longest text, spoken slowly, takes 3 GiB and 40 s.
_LIMITS = Limits(seconds=1800, memory=8 * GIB)


class EspeakEngine(PooledEngine):
    """Speaks through the eSpeak NG program. Repeatable: same job, same bytes."""

    def __init__(self, setup: Setup) -> None:
        """Use at most ``setup.processes`` processes."""
        pool = ProcessPool(
            "terrarium_pocket.espeak.process",
            processes=setup.processes,
            scratch=setup.scratch,
            limits=_LIMITS,
            patience=300,
            cancel_grace=2,
        )
        super().__init__(setup.name, pool)

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """Return how to install eSpeak NG, if it is missing."""
        return espeak_problem()

    def request(self, job: Job) -> dict[str, Any]:
        """Return the request for a text. Raises Refused for another type or no text."""
        return {
            **speech_request(job),
            "language": str(job.params.get("language", "en-us")),
            "variant": str(job.params.get("voice", "default")),
            "pitch": int(job.params.get("pitch", 50)),
        }


def build(setup: Setup) -> EspeakEngine:
    """Build an engine."""
    return EspeakEngine(setup)
