"""The models in a process's memory: one is used at a time, the others are kept off the GPU or removed."""

import gc
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from typing import Generic, Protocol, TypeVar

from terrarium_server.engines.child import JobError

from .device import GIB, Device, free_ram


class CachedModel(Protocol):
    """A model in memory."""

    def offload(self) -> None:
        """Move the weights from the GPU to main memory."""
        ...


Model = TypeVar("Model", bound=CachedModel)

# Loading takes a little more memory than the weights themselves.
_MARGIN = 1.15
_POLL_SECONDS = 1.0


class ModelCache(Generic[Model]):
    """Models by a key for their source and precision, the most recently used last."""

    def __init__(self, device: Device, *, ram: Callable[[], int | None] = free_ram) -> None:
        """Start empty; ``ram`` returns the free bytes of main memory."""
        self._device = device
        self._ram = ram
        self._models: dict[str, Model] = {}
        self._in_use = threading.Lock()
        self._watcher: threading.Thread | None = None

    def __contains__(self, key: str) -> bool:
        """Return whether a model is in memory."""
        return key in self._models

    @contextmanager
    def in_use(self, wait: Callable[[], None]) -> Generator[None]:
        """Hold the GPU's lock, if there is a GPU. ``wait`` is called while another process has it."""
        lock = self._device.lock
        with self._in_use, lock.held(wait) if lock else nullcontext():
            yield
        if lock is not None and self._watcher is None:
            self._watcher = threading.Thread(target=self._offload_for_others, daemon=True)
            self._watcher.start()

    def get(self, key: str, size: int, load: Callable[[], Model]) -> Model:
        """Return a model, and move all others off the GPU.

        One that is not in memory is loaded; models that were not used for longest are removed until its
        ``size`` in bytes fits. Raises JobError if it does not fit even alone.
        """
        model = self._models.pop(key, None)
        if model is None:
            self._free(size)
            model = load()
        for other in self._models.values():
            other.offload()
        self._models[key] = model
        return model

    def _free(self, size: int) -> None:
        while self._models and self._is_short_of(size):
            self._remove(next(iter(self._models)))
        if self._is_short_of(size):
            need, have = size * _MARGIN / GIB, (self._ram() or 0) / GIB
            message = (
                f"The model needs about {need:.1f} GiB of memory, and {have:.1f} are free on this machine."
            )
            raise JobError("GPU_PROVIDER_ERROR", message)

    def _remove(self, key: str) -> None:
        model = self._models.pop(key)
        model.offload()
        del model
        self._collect()

    def _is_short_of(self, size: int) -> bool:
        free = self._ram()
        # Where the free memory is unknown, only one model at a time is safe.
        return bool(self._models) if free is None else free < size * _MARGIN

    def _offload_for_others(self) -> None:
        """Move the models off the GPU whenever another process computes on it and this one does not."""
        lock = self._device.lock
        assert lock is not None
        while True:
            time.sleep(_POLL_SECONDS)
            if self._in_use.acquire(blocking=False):
                try:
                    if lock.is_held_elsewhere():
                        for model in self._models.values():
                            model.offload()
                        self._collect()
                finally:
                    self._in_use.release()

    def _collect(self) -> None:
        gc.collect()
        self._device.empty_cache()
