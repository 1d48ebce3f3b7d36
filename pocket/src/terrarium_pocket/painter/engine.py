"""Restyling of pictures and videos by small networks, run with onnxruntime in processes of its own."""

from collections.abc import Mapping
from typing import Any

from ._contract import Job, Refused
from ._limits import GIB, Limits, size_of
from ._pooled import Pooled
from ._process import ProcessPool
from ._setup import EngineOptions, Setup

OPTIONS = EngineOptions

_THREADS = 2
# The largest picture takes 1.5 GiB, the longest film half an hour.
_LIMITS = Limits(seconds=28_800, memory=4 * GIB)
_MEMORY_PER_WEIGHT = 4
_TASKS = ("restyle",)
_NETWORKS = ("multistyle26.onnx", "arbitrary_predict.onnx", "arbitrary_transform.onnx")
_SOURCES = {"image": "image_url", "video": "video_url"}
_WISHES = ("look", "strength", "preserve_color", "brush", "steadiness", "format")


class OnnxEngine(Pooled):
    """Repaints what it is given. Repeatable: same job, same bytes."""

    def __init__(self, setup: Setup) -> None:
        """Use at most ``setup.processes`` painters, of two threads each."""
        pool = ProcessPool(
            "terrarium_server.engines._onnx_process",
            processes=setup.processes,
            scratch=setup.scratch,
            limits=_LIMITS,
            threads=_THREADS,
            cancel_grace=3.0,
        )
        super().__init__(setup.name, pool)

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """Only a card can be wrong: what it needs comes with the server."""
        task = job_options.get("task", _TASKS[0])
        if task not in _TASKS:
            return f"the card's options.task is {task!r}; the onnx engine knows: {', '.join(_TASKS)}"
        return None

    def request(self, job: Job) -> dict[str, Any]:
        """Ask for a picture or a video to be repainted. Raises Refused."""
        source = _SOURCES.get(job.type)
        if source is None:
            raise Refused("GENERATION_PROVIDER_NOT_SUPPORTED", f"The onnx engine makes no {job.type}.")
        wrong = self.problem(job.options)
        if wrong is not None:
            raise Refused("GENERATION_PROVIDER_NOT_SUPPORTED", f"{job.model_id} cannot work: {wrong}.")
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
            **{name: job.params[name] for name in _WISHES if name in job.params},
        }


def build(setup: Setup) -> OnnxEngine:
    """Make the engine for this server."""
    return OnnxEngine(setup)
