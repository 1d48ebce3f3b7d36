"""The process in which language models work."""

from collections.abc import Callable, Sequence
from typing import Any

from terrarium_server.engines._child import serve
from terrarium_server.engines._contract import Output
from terrarium_server.engines._local.bench import Bench
from terrarium_server.engines._local.machine import Machine
from terrarium_server.engines._local.pictures import pictures
from terrarium_server.engines._local.waiting import Progress
from terrarium_server.engines._transformers import Reader, find, size_of


def _load(machine: Machine, request: dict[str, Any]) -> tuple[int, Callable[[], Reader]]:
    folder = find(request)
    return size_of(folder, request), lambda: Reader.load(machine, folder, request)


def _work(
    machine: Machine, model: Reader, request: dict[str, Any], progress: Progress, frugal: bool
) -> Sequence[Output]:
    images = pictures(request)
    model.ready(frugal=frugal)
    return [model.write(request, images, progress)]


if __name__ == "__main__":
    serve(Bench(_load, _work).handle)
