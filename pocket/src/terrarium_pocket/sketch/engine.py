"""The built-in sketch engine: pictures, clips and descriptions by rules, without weights or network."""

import math
from collections.abc import Mapping
from typing import Any

from ._contract import Job, Refused
from ._limits import GIB, Limits
from ._pooled import Pooled
from ._process import ProcessPool
from ._setup import EngineOptions, Setup

OPTIONS = EngineOptions

_SIDES = {"0.5k": 512, "1k": 1024, "2k": 2048, "4k": 4096}
_LONGEST = 4096
_MOST_IMAGES = 8
# The largest jobs take 1.1 GiB (a picture of 80 million pixels) and 50 s (a clip of 20 s in 1080p).
_LIMITS = Limits(seconds=1800, memory=3 * GIB)


class SketchEngine(Pooled):
    """Paints in processes of its own. Repeatable: same job, same bytes."""

    def __init__(self, setup: Setup) -> None:
        """Use at most ``setup.processes`` painters."""
        pool = ProcessPool(
            "terrarium_server.engines._sketch_process",
            processes=setup.processes,
            scratch=setup.scratch,
            limits=_LIMITS,
        )
        super().__init__(setup.name, pool)

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """Nothing can be missing."""
        return None

    def request(self, job: Job) -> dict[str, Any]:
        """Ask for a picture, a clip or a text. Raises Refused for another type or without its input."""
        request: dict[str, Any] = {"prompt": job.prompt, "seed": job.seed}
        request["files"] = {name: [str(file.path) for file in files] for name, files in job.inputs.items()}
        match job.type:
            case "text" if _starts_from_image(job):
                self._need(job, "image_urls")
                count = len(job.inputs["image_urls"])
                if count > _MOST_IMAGES:
                    message = (
                        f"image_urls holds {count} images; at most {_MOST_IMAGES} are described at once."
                    )
                    raise Refused("GENERATION_INPUT_VALIDATION", message)
                request["make"] = "description"
            case "text":
                request["make"] = "shot"
            case "image":
                width, height = size(str(job.params["aspect_ratio"]), str(job.params["resolution"]))
                request |= {"make": "pictures", "width": width, "height": height}
                request |= {"count": job.params["num_images"], "style": job.params["style"]}
                request["weights"] = {name: str(path) for name, path in job.weights.items()}
            case "video":
                if _starts_from_image(job):
                    self._need(job, "image_url")
                names = ("aspect_ratio", "resolution", "duration", "fps", "motion")
                request |= {"make": "video", "style": job.params.get("style", "auto")}
                request |= {name: job.params[name] for name in names}
            case _:
                raise Refused("GENERATION_PROVIDER_NOT_SUPPORTED", f"The sketch engine makes no {job.type}.")
        return request

    def _need(self, job: Job, name: str) -> None:
        if not job.inputs.get(name):
            raise Refused(
                "GENERATION_INPUT_VALIDATION", f"{job.model_id} needs {name}: an image to start from."
            )


def _starts_from_image(job: Job) -> bool:
    return job.options.get("from") == "image"


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
    return SketchEngine(setup)
