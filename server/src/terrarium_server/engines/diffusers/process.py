"""The model process of the kind diffusers."""

from collections.abc import Callable, Sequence
from typing import Any

from terrarium_server.engines import Output
from terrarium_server.engines.child import serve
from terrarium_server.engines.pytorch.device import Device
from terrarium_server.engines.pytorch.images import open_images
from terrarium_server.engines.pytorch.model_thread import JobProgress
from terrarium_server.engines.pytorch.runner import Runner

from .call import read_call
from .outputs import as_pictures, as_video
from .pipeline import Pipelines, accepted_arguments, find, size_of

# The rest is for decoding, from latents to pixels.
_STEPS = 0.95
_LOADED = 0.05


def _load(device: Device, request: dict[str, Any]) -> tuple[int, Callable[[], Pipelines]]:
    folder = find(request)
    return size_of(folder, request), lambda: Pipelines.load(device, folder, request)


def _work(
    device: Device, model: Pipelines, request: dict[str, Any], progress: JobProgress, low_memory: bool
) -> Sequence[Output]:
    task = request["card"]["task"] or _default_task(request)
    images = open_images(request)
    pipe = model.on_device(task, low_memory=low_memory)
    accepted = accepted_arguments(pipe)
    call = read_call(pipe, accepted, task, request, images[0] if images else None)
    outputs: list[Output] = []
    for number in range(call.count):
        start, end = (_LOADED + (1 - _LOADED) * (number + more) / call.count for more in (0, 1))
        extra: dict[str, Any] = {
            "generator": device.torch.Generator("cpu").manual_seed(request["seed"] + number),
            "callback_on_step_end": _on_step(progress.part(start, end)),
        }
        extra = {name: value for name, value in extra.items() if name in accepted}
        result = pipe(**call.arguments, **extra)
        outputs += [as_video(result, call.fps)] if request["type"] == "video" else as_pictures(result)
        progress.report(end)
    return outputs


def _on_step(report: Callable[[float], None]) -> Callable[..., dict[str, Any]]:
    def on_step(pipe: Any, step: int, _time: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        steps = getattr(pipe, "num_timesteps", None) or len(pipe.scheduler.timesteps)
        report(_STEPS * min(1.0, (step + 1) / steps))
        return tensors

    return on_step


def _default_task(request: dict[str, Any]) -> str:
    return f"{'image' if request['media'] else 'text'}-to-{request['type']}"


if __name__ == "__main__":
    serve(Runner(_load, _work).handle)
