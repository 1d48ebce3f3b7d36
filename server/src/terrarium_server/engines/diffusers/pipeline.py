import importlib
import inspect
import time
from pathlib import Path
from typing import Any

from .._child import Unfit
from .._local.loading import loading, place_in
from .._local.machine import GIB, Machine, weights_size

# What a step needs besides the weights; measured generously, since what is too little ends in a failure.
_WORKSPACE = 2 * GIB
# How long another engine's resting weights are given to leave the GPU.
_PATIENCE = 8.0


def takes(pipe: Any) -> set[str]:
    """Return the arguments that a pipeline takes when called."""
    return set(inspect.signature(pipe.__call__).parameters)


def find(request: dict[str, Any]) -> Path:
    """Return the folder of a request's model, fetched from the hub if that is allowed. Raises Unfit."""
    place, card = place_in(request), request["card"]
    if place.folder is not None:
        return Path(place.folder)
    with loading(place):
        diffusers: Any = importlib.import_module("diffusers")
        found: str = diffusers.DiffusionPipeline.download(
            place.hub,
            revision=place.revision,
            variant=card["variant"],
            use_safetensors=True,
            local_files_only=not request["download"],
            trust_remote_code=card["trust_remote_code"],
        )
        return Path(found)


def size_of(folder: Path, request: dict[str, Any]) -> int:
    """Return how many bytes the weights have on disk."""
    return weights_size(folder, request["card"]["variant"])


class Pipelines:
    """One model's parts in memory, and the pipelines that were made over them: they share the parts."""

    def __init__(self, machine: Machine, base: Any) -> None:
        """Take a pipeline as it was loaded, in main memory."""
        self._machine = machine
        self._base = base
        self._made: dict[str, Any] = {}
        # Which pipeline is on the device, and how: whole, or moved there part by part.
        self._placed: tuple[str, str] | None = None

    @classmethod
    def load(cls, machine: Machine, folder: Path, request: dict[str, Any]) -> "Pipelines":
        """Read a model from its folder. Raises Unfit."""
        card = request["card"]
        with loading(place_in(request)):
            diffusers: Any = importlib.import_module("diffusers")
            base = diffusers.DiffusionPipeline.from_pretrained(
                str(folder),
                dtype=machine.dtype(card["dtype"]),
                variant=card["variant"],
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=card["trust_remote_code"],
            )
        base.set_progress_bar_config(disable=True)
        return cls(machine, base)

    def for_task(self, task: str) -> Any:
        """Return the pipeline for a task. Raises Unfit if the model has none."""
        if task not in self._made:
            self._made[task] = self._make(task)
        return self._made[task]

    def ready(self, task: str, *, frugal: bool = False) -> Any:
        """Return the pipeline for a task on the device; ``frugal`` keeps the weights off it in between."""
        pipe = self.for_task(task)
        if not self._machine.is_cuda:
            if self._machine.name != "cpu" and self._placed is None:
                pipe.to(self._machine.name)
                self._placed = (task, "whole")
            return pipe
        if self._placed is not None and self._placed[1] == "whole" and not frugal:
            return pipe
        if self._placed is None or self._placed[0] != task or frugal:
            self.rest()
            self._place(pipe, task, frugal=frugal)
        return pipe

    def rest(self) -> None:
        """Take everything back to main memory."""
        if self._placed is not None:
            pipe = self.for_task(self._placed[0])
            pipe.remove_all_hooks()
            pipe.to("cpu", silence_dtype_warnings=True)
            self._placed = None
            self._machine.tidy()

    def _make(self, task: str) -> Any:
        base = self._base
        from_picture = task in ("image-to-image", "image-to-video")
        needs_picture = _needs_picture(base)
        if ("image" in takes(base)) if from_picture else not needs_picture:
            return base
        diffusers: Any = importlib.import_module("diffusers")
        kinds = {
            "image-to-image": "AutoPipelineForImage2Image",
            "text-to-image": "AutoPipelineForText2Image",
        }
        if task in kinds:
            try:
                made = getattr(diffusers, kinds[task]).from_pipe(base)
                made.set_progress_bar_config(disable=True)
                return made
            except ValueError:
                pass
        message = f"This model ({type(base).__name__}) does no {task}; correct `task` in its card."
        raise Unfit("GENERATION_PROVIDER_NOT_SUPPORTED", message)

    def _place(self, pipe: Any, task: str, *, frugal: bool) -> None:
        parts = [part for part in pipe.components.values() if isinstance(part, self._machine.torch.nn.Module)]
        sizes = [_bytes(part) for part in parts]
        device = self._machine.name
        if not frugal and self._fits(sum(sizes)):
            pipe.to(device)
            self._placed = (task, "whole")
            return
        if hasattr(getattr(pipe, "vae", None), "enable_tiling"):
            pipe.vae.enable_tiling()
        if self._machine.free() >= max(sizes, default=0) + _WORKSPACE:
            pipe.enable_model_cpu_offload(device=device)
            self._placed = (task, "by model")
        else:
            pipe.enable_sequential_cpu_offload(device=device)
            self._placed = (task, "by layer")

    def _fits(self, size: int) -> bool:
        """Say whether weights fit on the device, giving others that rest there time to leave."""
        deadline = time.monotonic() + _PATIENCE
        while (short := self._machine.free() < size + _WORKSPACE) and time.monotonic() < deadline:
            if int(self._machine.torch.cuda.mem_get_info(self._machine.name)[1]) < size + _WORKSPACE:
                return False
            time.sleep(0.25)
        return not short


def _needs_picture(pipe: Any) -> bool:
    """Whether a pipeline starts from a picture: those take one, and text after it or not at all."""
    given = list(inspect.signature(pipe.__call__).parameters)
    return "image" in given and ("strength" in given or given[0] == "image" or "prompt" not in given)


def _bytes(part: Any) -> int:
    tensors = [*part.parameters(), *part.buffers()]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
