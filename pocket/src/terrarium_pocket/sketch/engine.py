"""The built-in sketch engine: pictures, clips and descriptions by rules, without weights or network."""

from collections.abc import Mapping
from typing import Any

from terrarium_server.engines import Job, Refused
from terrarium_server.engines.processes import GIB, Limits, PooledEngine, ProcessPool
from terrarium_server.engines.setup import EngineOptions, Setup
from terrarium_server.engines.sizes import area_of, ratio_of, size_of_area

OPTIONS = EngineOptions

_LONGEST = 4096
_MOST_IMAGES = 8
# The largest jobs take 1.1 GiB (a picture of 80 million pixels) and 50 s (a clip of 20 s in 1080p).
_LIMITS = Limits(seconds=1800, memory=3 * GIB)


class SketchEngine(PooledEngine):
    """Paints in child processes. Repeatable: same job, same bytes."""

    def __init__(self, setup: Setup) -> None:
        """Use at most ``setup.processes`` child processes."""
        pool = ProcessPool(
            "terrarium_pocket.sketch.process",
            processes=setup.processes,
            scratch=setup.scratch,
            limits=_LIMITS,
        )
        super().__init__(setup.name, pool)

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """The engine needs nothing that could be missing."""
        return None

    def request(self, job: Job) -> dict[str, Any]:
        """The request for pictures, a clip or a text. Raises Refused for another type or a missing input."""
        request: dict[str, Any] = {"prompt": job.prompt, "seed": job.seed}
        request["files"] = {name: [str(file.path) for file in files] for name, files in job.inputs.items()}
        match job.type:
            case "text" if _starts_from_image(job):
                _require(job, "image_urls")
                count = len(job.inputs["image_urls"])
                if count > _MOST_IMAGES:
                    message = (
                        f"image_urls holds {count} images; at most {_MOST_IMAGES} are described at once."
                    )
                    raise Refused("GENERATION_INPUT_VALIDATION", message)
                request["make"] = "description"
            case "text":
                request["make"] = "shot description"
            case "image":
                area = area_of(str(job.params["resolution"]))
                ratio = ratio_of(str(job.params["aspect_ratio"]))
                width, height = size_of_area(area, ratio, step=8, longest=_LONGEST)
                request |= {"make": "pictures", "width": width, "height": height}
                request |= {"count": job.params["num_images"], "style": job.params["style"]}
                request["weights"] = {name: str(path) for name, path in job.weights.items()}
            case "video":
                if _starts_from_image(job):
                    _require(job, "image_url")
                names = ("aspect_ratio", "resolution", "duration", "fps", "motion")
                request |= {"make": "video", "style": job.params.get("style", "auto")}
                request |= {name: job.params[name] for name in names}
            case _:
                raise Refused("GENERATION_PROVIDER_NOT_SUPPORTED", f"The sketch engine makes no {job.type}.")
        return request


def _require(job: Job, name: str) -> None:
    if not job.inputs.get(name):
        message = f"{job.model_id} needs {name}: an image to start from."
        raise Refused("GENERATION_INPUT_VALIDATION", message)


def _starts_from_image(job: Job) -> bool:
    return job.options.get("from") == "image"


def build(setup: Setup) -> SketchEngine:
    """Make the engine for this server."""
    return SketchEngine(setup)
