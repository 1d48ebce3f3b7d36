"""Pipelines of diffusers: finding, loading, and placing them on the device."""

import importlib
import inspect
import time
from pathlib import Path
from typing import Any

from terrarium_server.engines.child import JobError
from terrarium_server.engines.pytorch.device import GIB, Device, weights_size
from terrarium_server.engines.pytorch.loading import loading
from terrarium_server.engines.pytorch.source import source_in

# What a step needs in addition to the weights. It is generous, because too little ends in an error.
_WORKSPACE = 2 * GIB
# How long to wait until another process has moved its weights off the GPU, in seconds.
_PATIENCE = 8.0


def accepted_arguments(pipe: Any) -> set[str]:
    """Return the names of the arguments of a pipeline's call."""
    return set(inspect.signature(pipe.__call__).parameters)


def find(request: dict[str, Any]) -> Path:
    """Return the folder of a request's model; download it if that is allowed. Raises JobError."""
    source, card = source_in(request), request["card"]
    if source.folder is not None:
        return Path(source.folder)
    with loading(source):
        diffusers: Any = importlib.import_module("diffusers")
        folder: str = diffusers.DiffusionPipeline.download(
            source.hub,
            revision=source.revision,
            variant=card["variant"],
            use_safetensors=True,
            local_files_only=not request["download"],
            trust_remote_code=card["trust_remote_code"],
        )
        return Path(folder)


def size_of(folder: Path, request: dict[str, Any]) -> int:
    """Return the size of the weights on disk, in bytes."""
    return weights_size(folder, request["card"]["variant"])


class Pipelines:
    """One model's components in memory, and the pipelines for its tasks, which share them."""

    def __init__(self, device: Device, base: Any) -> None:
        """Take a pipeline that was loaded into main memory."""
        self._device = device
        self._base = base
        self._by_task: dict[str, Any] = {}
        # The task whose pipeline is on the device, and how: whole, or with offloading.
        self._placed: tuple[str, str] | None = None

    @classmethod
    def load(cls, device: Device, folder: Path, request: dict[str, Any]) -> "Pipelines":
        """Load a model from its folder. Raises JobError."""
        card = request["card"]
        with loading(source_in(request)):
            diffusers: Any = importlib.import_module("diffusers")
            base = diffusers.DiffusionPipeline.from_pretrained(
                str(folder),
                dtype=device.dtype(card["dtype"]),
                variant=card["variant"],
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=card["trust_remote_code"],
            )
        base.set_progress_bar_config(disable=True)
        return cls(device, base)

    def for_task(self, task: str) -> Any:
        """Return the pipeline for a task. Raises JobError if the model has none."""
        if task not in self._by_task:
            self._by_task[task] = self._make(task)
        return self._by_task[task]

    def on_device(self, task: str, *, low_memory: bool = False) -> Any:
        """Return the pipeline for a task on the device; ``low_memory`` offloads weights between uses."""
        pipe = self.for_task(task)
        if not self._device.is_cuda:
            if self._device.name != "cpu" and self._placed is None:
                pipe.to(self._device.name)
                self._placed = (task, "whole")
            return pipe
        if self._placed is not None and self._placed[1] == "whole" and not low_memory:
            return pipe
        if self._placed is None or self._placed[0] != task or low_memory:
            self.offload()
            self._place(pipe, task, low_memory=low_memory)
        return pipe

    def offload(self) -> None:
        """Move everything to main memory."""
        if self._placed is not None:
            pipe = self.for_task(self._placed[0])
            pipe.remove_all_hooks()
            pipe.to("cpu", silence_dtype_warnings=True)
            self._placed = None
            self._device.empty_cache()

    def _make(self, task: str) -> Any:
        base = self._base
        from_picture = task in ("image-to-image", "image-to-video")
        needs_picture = _needs_picture(base)
        if ("image" in accepted_arguments(base)) if from_picture else not needs_picture:
            return base
        diffusers: Any = importlib.import_module("diffusers")
        classes = {
            "image-to-image": "AutoPipelineForImage2Image",
            "text-to-image": "AutoPipelineForText2Image",
        }
        if task in classes:
            try:
                pipe = getattr(diffusers, classes[task]).from_pipe(base)
                pipe.set_progress_bar_config(disable=True)
                return pipe
            except ValueError:
                pass
        message = f"This model ({type(base).__name__}) cannot do {task}; correct `task` in its card."
        raise JobError("GENERATION_PROVIDER_NOT_SUPPORTED", message)

    def _place(self, pipe: Any, task: str, *, low_memory: bool) -> None:
        parts = [part for part in pipe.components.values() if isinstance(part, self._device.torch.nn.Module)]
        sizes = [_size(part) for part in parts]
        device = self._device.name
        if not low_memory and self._fits(sum(sizes)):
            pipe.to(device)
            self._placed = (task, "whole")
            return
        if hasattr(getattr(pipe, "vae", None), "enable_tiling"):
            pipe.vae.enable_tiling()
        if self._device.free_memory() >= max(sizes, default=0) + _WORKSPACE:
            pipe.enable_model_cpu_offload(device=device)
            self._placed = (task, "by model")
        else:
            pipe.enable_sequential_cpu_offload(device=device)
            self._placed = (task, "by layer")

    def _fits(self, size: int) -> bool:
        """Return whether weights fit on the device, after other processes had time to free its memory."""
        deadline = time.monotonic() + _PATIENCE
        while (short := self._device.free_memory() < size + _WORKSPACE) and time.monotonic() < deadline:
            if int(self._device.torch.cuda.mem_get_info(self._device.name)[1]) < size + _WORKSPACE:
                return False
            time.sleep(0.25)
        return not short


def _needs_picture(pipe: Any) -> bool:
    """Return whether a pipeline needs a picture: such take one, and a prompt after it or none."""
    arguments = list(inspect.signature(pipe.__call__).parameters)
    return "image" in arguments and (
        "strength" in arguments or arguments[0] == "image" or "prompt" not in arguments
    )


def _size(part: Any) -> int:
    tensors = [*part.parameters(), *part.buffers()]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
