"""What the server calls."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from terrarium_server.engines import Job, Refused
from terrarium_server.engines.processes import GIB, Limits, PooledEngine, ProcessPool
from terrarium_server.engines.setup import CardOptions, EngineOptions, Setup

_HERTZ = re.compile(r"(\d+) ?Hz", re.IGNORECASE)


class ToneOptions(EngineOptions):
    """What an owner may say under ``[[engine]]`` in terrarium.toml."""

    loudness: float = Field(default=0.5, gt=0, le=1, description="The amplitude of a tone.")


class ToneCard(CardOptions):
    """What a card may say under ``[options]``."""

    rate: int = Field(default=48_000, ge=8_000, le=96_000)


OPTIONS = ToneOptions


class ToneEngine(PooledEngine):
    """Computes tones in processes of its own. Repeatable: the same job gives the same bytes."""

    def __init__(self, setup: Setup) -> None:
        """Start nothing yet: a process starts with the first job."""
        options = setup.options
        assert isinstance(options, ToneOptions)
        self._loudness = options.loudness
        pool = ProcessPool(
            "terrarium_tone.process",
            processes=setup.processes,
            scratch=setup.scratch,
            limits=Limits(seconds=60, memory=GIB),
        )
        super().__init__(setup.name, pool)

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """Say what is wrong with a card, or missing on this machine."""
        try:
            ToneCard.read(job_options)
        except ValueError as error:
            return str(error)
        return None

    def request(self, job: Job) -> dict[str, Any]:
        """Check a job and return what its process is told. Raises Refused."""
        if job.type != "audio":
            raise Refused("GENERATION_PROVIDER_NOT_SUPPORTED", f"A tone is no {job.type}.")
        named = _HERTZ.search(job.prompt)
        if named is None:
            raise Refused("GENERATION_INPUT_VALIDATION", "Name a frequency in the prompt, such as 440 Hz.")
        return {
            "hertz": int(named[1]),
            "seconds": job.params["duration"],
            "loudness": self._loudness,
            "rate": ToneCard.of_job(job).rate,
        }


def build(setup: Setup) -> ToneEngine:
    """Make an engine; the server calls this once for each ``[[engine]]`` of this kind."""
    return ToneEngine(setup)
