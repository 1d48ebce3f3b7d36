"""The model process of the kind transformers."""

from collections.abc import Callable, Sequence
from typing import Any

from terrarium_server.engines import Output
from terrarium_server.engines.child import serve
from terrarium_server.engines.pytorch.device import Device
from terrarium_server.engines.pytorch.images import open_images
from terrarium_server.engines.pytorch.model_thread import JobProgress
from terrarium_server.engines.pytorch.runner import Runner

from .language_model import LanguageModel, find, size_of


def _load(device: Device, request: dict[str, Any]) -> tuple[int, Callable[[], LanguageModel]]:
    folder = find(request)
    return size_of(folder, request), lambda: LanguageModel.load(device, folder, request)


def _work(
    device: Device, model: LanguageModel, request: dict[str, Any], progress: JobProgress, low_memory: bool
) -> Sequence[Output]:
    images = open_images(request)
    model.to_device(low_memory=low_memory)
    return [model.write(request, images, progress)]


if __name__ == "__main__":
    serve(Runner(_load, _work).handle)
