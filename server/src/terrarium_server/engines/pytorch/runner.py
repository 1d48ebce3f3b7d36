"""Runs the requests of a model process on PyTorch, for all its kinds."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from terrarium_server.engines import Output
from terrarium_server.engines.child import JobContext, JobError

from .cache import CachedModel, ModelCache
from .device import Device, is_broken, is_out_of_memory
from .loading import model_key, set_offline
from .model_thread import JobProgress, run_in_model_thread

Model = TypeVar("Model", bound=CachedModel)

_STARTED, _LOADED = 0.01, 0.05
_POLL_SECONDS = 0.25


class Runner(Generic[Model]):
    """The device and the loaded models of one process.

    ``load`` returns the size of a request's model in bytes and a function that loads it. ``work`` makes the
    outputs; its last argument says whether it must save memory on the GPU.
    """

    def __init__(
        self,
        load: Callable[[Device, dict[str, Any]], tuple[int, Callable[[], Model]]],
        work: Callable[[Device, Model, dict[str, Any], JobProgress, bool], Sequence[Output]],
    ) -> None:
        self._load = load
        self._work = work
        self._models: ModelCache[Model] | None = None
        self._device: Device | None = None

    def handle(self, request: dict[str, Any], context: JobContext) -> Sequence[Output]:
        """Run one request. Raises JobError and Cancelled."""
        return run_in_model_thread(context, lambda progress: self._run(request, progress))

    def _run(self, request: dict[str, Any], progress: JobProgress) -> Sequence[Output]:
        set_offline(download=request["download"])
        device = self._device = self._device or Device(request["device"], request["dtype"])
        models = self._models = self._models or ModelCache[Model](device)

        def wait() -> None:
            time.sleep(_POLL_SECONDS)
            progress.report(_STARTED)

        size, load = self._load(device, request)
        with models.in_use(wait):
            model = models.get(model_key(request), size, load)
            progress.report(_LOADED)
            try:
                return self._work_within_memory(device, model, request, progress)
            except Exception as error:
                if is_broken(error):
                    # The pool starts another process and logs this one's end.
                    raise SystemExit(1) from error
                raise

    def _work_within_memory(
        self, device: Device, model: Model, request: dict[str, Any], progress: JobProgress
    ) -> Sequence[Output]:
        """Make the outputs; if the GPU's memory does not suffice, once more in a way that needs less."""
        for low_memory in (False, True):
            try:
                return self._work(device, model, request, progress, low_memory)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                if low_memory or not device.is_cuda:
                    break
            # Inside the handler the exception would still hold the memory of the failed call.
            device.empty_cache()
        model.offload()
        message = (
            "There is not enough memory for this; ask for a lower resolution, fewer frames or less text."
        )
        raise JobError("GENERATION_INPUT_VALIDATION", message)
