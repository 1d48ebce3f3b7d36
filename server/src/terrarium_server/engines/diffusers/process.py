"""The process in which diffusion models work."""

from collections.abc import Callable, Sequence
from typing import Any

from terrarium_server.engines._child import serve
from terrarium_server.engines._contract import Output
from terrarium_server.engines._diffusers import (
    Pipelines,
    as_film,
    as_pictures,
    find,
    read_call,
    size_of,
    takes,
)
from terrarium_server.engines._local.bench import Bench
from terrarium_server.engines._local.machine import Machine
from terrarium_server.engines._local.pictures import pictures
from terrarium_server.engines._local.waiting import Progress

# What is left after the last step: from numbers to pixels.
_STEPS = 0.95
_LOADED = 0.05


def _load(machine: Machine, request: dict[str, Any]) -> tuple[int, Callable[[], Pipelines]]:
    folder = find(request)
    return size_of(folder, request), lambda: Pipelines.load(machine, folder, request)


def _work(
    machine: Machine, model: Pipelines, request: dict[str, Any], progress: Progress, frugal: bool
) -> Sequence[Output]:
    task = request["card"]["task"] or _usual_task(request)
    images = pictures(request)
    pipe = model.ready(task, frugal=frugal)
    accepted = takes(pipe)
    call = read_call(pipe, accepted, task, request, images[0] if images else None)
    made: list[Output] = []
    for number in range(call.count):
        start, end = (_LOADED + (1 - _LOADED) * (number + more) / call.count for more in (0, 1))
        extra: dict[str, Any] = {
            "generator": machine.torch.Generator("cpu").manual_seed(request["seed"] + number),
            "callback_on_step_end": _on_step(progress.part(start, end)),
        }
        extra = {name: value for name, value in extra.items() if name in accepted}
        result = pipe(**call.arguments, **extra)
        made += [as_film(result, call.fps)] if request["type"] == "video" else as_pictures(result)
        progress.report(end)
    return made


def _on_step(report: Callable[[float], None]) -> Callable[..., dict[str, Any]]:
    def on_step(pipe: Any, step: int, _time: Any, kept: dict[str, Any]) -> dict[str, Any]:
        steps = getattr(pipe, "num_timesteps", None) or len(pipe.scheduler.timesteps)
        report(_STEPS * min(1.0, (step + 1) / steps))
        return kept

    return on_step


def _usual_task(request: dict[str, Any]) -> str:
    return f"{'image' if request['media'] else 'text'}-to-{request['type']}"


if __name__ == "__main__":
    serve(Bench(_load, _work).handle)
