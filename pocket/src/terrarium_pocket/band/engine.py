"""The engine of the kind ``band``, as the server sees it."""

import importlib.util
from collections.abc import Mapping
from typing import Any

from terrarium_server.engines import Job, Refused
from terrarium_server.engines.processes import GIB, Limits, PooledEngine, ProcessPool
from terrarium_server.engines.setup import EngineOptions, Setup

OPTIONS = EngineOptions

# The longest piece takes 1.4 GiB and 20 s.
_LIMITS = Limits(seconds=1800, memory=3 * GIB)
_FONT = "instruments.sf3"
_MISSING = "The band needs the package tinysoundfont; install it with `pip install --no-deps tinysoundfont`."


class BandEngine(PooledEngine):
    """Composes and plays music. Repeatable: same job, same bytes."""

    def __init__(self, setup: Setup) -> None:
        """Use at most ``setup.processes`` processes; each keeps the sound font loaded."""
        pool = ProcessPool(
            "terrarium_pocket.band.process",
            processes=setup.processes,
            scratch=setup.scratch,
            limits=_LIMITS,
            cancel_grace=5.0,
        )
        super().__init__(setup.name, pool)

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """Return what to install if the synthesizer is missing."""
        return None if importlib.util.find_spec("tinysoundfont") else _MISSING

    def request(self, job: Job) -> dict[str, Any]:
        """Return the request for a piece. Raises Refused for another type, or an invalid parameter."""
        # The tables of styles and instruments are imported with the first piece.
        from .brief import BriefError, read_brief

        if job.type != "audio":
            raise Refused("GENERATION_PROVIDER_NOT_SUPPORTED", f"The band makes no {job.type}.")
        font = job.weights.get(_FONT)
        if font is None:
            raise Refused("GENERATION_INVALID_PARAMS", f"The card {job.model_id} names no weights {_FONT}.")
        try:
            read_brief(job.prompt, job.params, job.seed)
        except BriefError as error:
            raise Refused("GENERATION_INVALID_PARAMS", str(error)) from error
        request = {"prompt": job.prompt, "params": dict(job.params), "seed": job.seed}
        return {**request, "instruments": str(font)}


def build(setup: Setup) -> BandEngine:
    """Build an engine."""
    return BandEngine(setup)
