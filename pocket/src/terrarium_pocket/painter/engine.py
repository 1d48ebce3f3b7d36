"""The engine of the kind ``onnx``, as the server sees it."""

from collections.abc import Mapping
from typing import Any

from terrarium_server.engines import Job, Refused
from terrarium_server.engines.processes import GIB, Limits, PooledEngine, ProcessPool, size_of
from terrarium_server.engines.setup import EngineOptions, Setup

OPTIONS = EngineOptions

_THREADS = 2
# The largest picture takes 1.5 GiB, the longest video half an hour.
_LIMITS = Limits(seconds=28_800, memory=4 * GIB)
_MEMORY_PER_WEIGHT = 4
_TASKS = ("restyle",)
_NETWORKS = ("multistyle26.onnx", "arbitrary_predict.onnx", "arbitrary_transform.onnx")
_SOURCES = {"image": "image_url", "video": "video_url"}
_OPTIONS = ("look", "strength", "preserve_color", "brush", "steadiness", "format")


class OnnxEngine(PooledEngine):
    """Repaints pictures and videos. Repeatable: same job, same bytes."""

    def __init__(self, setup: Setup) -> None:
        """Use at most ``setup.processes`` processes, of two threads each."""
        pool = ProcessPool(
            "terrarium_pocket.painter.process",
            processes=setup.processes,
            scratch=setup.scratch,
            limits=_LIMITS,
            threads=_THREADS,
            cancel_grace=3.0,
        )
        super().__init__(setup.name, pool)

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """Return what is wrong with a card; everything else is installed with the server."""
        task = job_options.get("task", _TASKS[0])
        if task not in _TASKS:
            return f"the card's options.task is {task!r}; the onnx engine supports: {', '.join(_TASKS)}"
        return None

    def request(self, job: Job) -> dict[str, Any]:
        """Return the request for a picture or a video. Raises Refused for one that lacks something."""
        source = _SOURCES.get(job.type)
        if source is None:
            raise Refused("GENERATION_PROVIDER_NOT_SUPPORTED", f"The onnx engine makes no {job.type}.")
        problem = self.problem(job.options)
        if problem is not None:
            raise Refused("GENERATION_PROVIDER_NOT_SUPPORTED", f"{job.model_id} cannot be used: {problem}.")
        missing = [name for name in _NETWORKS if name not in job.weights]
        if missing:
            message = f"{job.model_id} lacks its networks {', '.join(missing)}; name them under [weights]."
            raise Refused("GENERATION_PROVIDER_NOT_SUPPORTED", message)
        if not job.inputs.get(source):
            raise Refused("GENERATION_INPUT_VALIDATION", f"Give the {job.type} to repaint as {source}.")
        style = job.inputs.get("style_image_url", ())
        return {
            "type": job.type,
            "source": str(job.inputs[source][0].path),
            "style": str(style[0].path) if style else None,
            "weights": {name: str(job.weights[name]) for name in _NETWORKS},
            "more_memory": _MEMORY_PER_WEIGHT * size_of(*(job.weights[name] for name in _NETWORKS)),
            **{name: job.params[name] for name in _OPTIONS if name in job.params},
        }


def build(setup: Setup) -> OnnxEngine:
    """Build an engine."""
    return OnnxEngine(setup)
