"""The built-in sketch engine: pictures and shot descriptions by rules, without weights or network."""

import math
from collections.abc import Mapping
from typing import Any

from ._contract import Job, Look, Refused, Ticket
from ._process import ProcessPool
from ._setup import EngineOptions, Setup

BUILT_IN = True
OPTIONS = EngineOptions

_SIDES = {"0.5k": 512, "1k": 1024, "2k": 2048, "4k": 4096}
_LONGEST = 4096


class SketchEngine:
    """Paints in processes of its own. Repeatable: same job, same bytes."""

    repeatable = True

    def __init__(self, name: str, *, processes: int) -> None:
        """Use at most ``processes`` painters."""
        self.name = name
        self._pool = ProcessPool("terrarium_server.engines._sketch_process", processes=processes)

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """Nothing can be missing."""
        return None

    def submit(self, job: Job) -> Ticket:
        """Queue a picture or a text. Raises Refused for any other type."""
        request = {"type": job.type, "prompt": job.prompt, "seed": job.seed}
        match job.type:
            case "text":
                pass
            case "image":
                width, height = size(str(job.params["aspect_ratio"]), str(job.params["resolution"]))
                request |= {"width": width, "height": height}
                request |= {"count": job.params["num_images"], "style": job.params["style"]}
            case _:
                raise Refused("GENERATION_PROVIDER_NOT_SUPPORTED", f"The sketch engine makes no {job.type}.")
        return self._pool.submit(Ticket(job.key), request)

    def look(self, ticket: Ticket, *, wait_seconds: float) -> Look:
        """Say how a sketch stands."""
        return self._pool.look(ticket, wait_seconds=wait_seconds)

    def cancel(self, ticket: Ticket) -> None:
        """Forget a sketch."""
        self._pool.cancel(ticket)

    def close(self) -> None:
        """End the painters."""
        self._pool.close()


def size(aspect_ratio: str, resolution: str) -> tuple[int, int]:
    """Return width and height in pixels: the area of the resolution's square, sides in steps of 8."""
    wide, high = (int(part) for part in aspect_ratio.split(":"))
    side = _SIDES[resolution]
    width, height = side * math.sqrt(wide / high), side * math.sqrt(high / wide)
    shrink = min(1.0, _LONGEST / max(width, height))
    return _step(width * shrink), _step(height * shrink)


def _step(pixels: float) -> int:
    return round(pixels / 8) * 8


def build(setup: Setup) -> SketchEngine:
    """Make the engine for this server."""
    return SketchEngine(setup.name, processes=setup.processes)
