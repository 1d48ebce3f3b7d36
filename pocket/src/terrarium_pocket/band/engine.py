"""The built-in band: music composed by rules and played on a sound font's sampled instruments."""

import importlib.util
from collections.abc import Mapping
from typing import Any

from ._contract import Job, Refused
from ._limits import GIB, Limits
from ._pooled import Pooled
from ._process import ProcessPool
from ._setup import EngineOptions, Setup

OPTIONS = EngineOptions

# The longest piece takes 1.4 GiB and 20 s.
_LIMITS = Limits(seconds=1800, memory=3 * GIB)
_FONT = "instruments.sf3"
_MISSING = "The band needs the package tinysoundfont; install it with `pip install --no-deps tinysoundfont`."


class BandEngine(Pooled):
    """Plays in processes of its own. Repeatable: same job, same bytes."""

    def __init__(self, setup: Setup) -> None:
        """Use at most ``setup.processes`` bands; each keeps its instruments loaded."""
        pool = ProcessPool(
            "terrarium_server.engines._band_process",
            processes=setup.processes,
            scratch=setup.scratch,
            limits=_LIMITS,
            cancel_grace=5.0,
        )
        super().__init__(setup.name, pool)

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """Say whether the synthesiser is installed."""
        return None if importlib.util.find_spec("tinysoundfont") else _MISSING

    def request(self, job: Job) -> dict[str, Any]:
        """Ask for a piece. Raises Refused for another type, an unknown instrument or a key that is none."""
        # A composer's whole knowledge is not needed before the first piece.
        from ._band import Unplayable, read_brief

        if job.type != "audio":
            raise Refused("GENERATION_PROVIDER_NOT_SUPPORTED", f"The band makes no {job.type}.")
        font = job.weights.get(_FONT)
        if font is None:
            raise Refused("GENERATION_INVALID_PARAMS", f"The card {job.model_id} names no weights {_FONT}.")
        try:
            read_brief(job.prompt, job.params, job.seed)
        except Unplayable as unplayable:
            raise Refused("GENERATION_INVALID_PARAMS", str(unplayable)) from unplayable
        wishes = {"prompt": job.prompt, "params": dict(job.params), "seed": job.seed}
        return {**wishes, "instruments": str(font)}


def build(setup: Setup) -> BandEngine:
    """Make the engine for this server."""
    return BandEngine(setup)
