"""In the child: the models in memory. One works at a time; the others rest outside the GPU, or are let go."""

import gc
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from typing import Generic, Protocol, TypeVar

from .._child import Unfit
from .machine import GIB, Machine, free_ram


class Resident(Protocol):
    """A model in memory."""

    def rest(self) -> None:
        """Leave the GPU."""
        ...


Model = TypeVar("Model", bound=Resident)

# Loading takes a little more than the weights themselves.
_SPARE = 1.15
_GLANCE_SECONDS = 1.0


class Shelf(Generic[Model]):
    """Models by a key that says where they come from and in which precision; the last used is last."""

    def __init__(self, machine: Machine, *, ram: Callable[[], int | None] = free_ram) -> None:
        """Begin empty; ``ram`` tells how much main memory is free."""
        self._machine = machine
        self._ram = ram
        self._models: dict[str, Model] = {}
        self._at_work = threading.Lock()
        self._watch: threading.Thread | None = None

    def __contains__(self, key: str) -> bool:
        """Say whether a model is in memory."""
        return key in self._models

    @contextmanager
    def at_work(self, waiting: Callable[[], None]) -> Generator[None]:
        """Hold the GPU, if there is one, against other processes; ``waiting`` is called while they work."""
        lease = self._machine.lease
        with self._at_work, lease.held(waiting) if lease else nullcontext():
            yield
        if lease is not None and self._watch is None:
            self._watch = threading.Thread(target=self._make_way, daemon=True)
            self._watch.start()

    def take(self, key: str, size: int, load: Callable[[], Model]) -> Model:
        """Return a model, loading it if need be after room was made for its ``size`` in bytes.

        Raises Unfit if there is not enough memory even with nothing else in it.
        """
        model = self._models.pop(key, None)
        if model is None:
            self._make_room(size)
            model = load()
        for other in self._models.values():
            other.rest()
        self._models[key] = model
        return model

    def drop(self, key: str) -> None:
        """Let a model go, for one that is not to be trusted after a failure."""
        model = self._models.pop(key, None)
        if model is not None:
            model.rest()
            del model
            self._tidy()

    def _make_room(self, size: int) -> None:
        while self._models and self._short(size):
            self.drop(next(iter(self._models)))
        if self._short(size):
            need, have = size * _SPARE / GIB, (self._ram() or 0) / GIB
            message = (
                f"The model needs about {need:.1f} GiB of memory, and {have:.1f} are free on this machine."
            )
            raise Unfit("GPU_PROVIDER_ERROR", message)

    def _short(self, size: int) -> bool:
        free = self._ram()
        # Where it cannot be told, one model at a time is what can be answered for.
        return bool(self._models) if free is None else free < size * _SPARE

    def _make_way(self) -> None:
        """While nothing is to do here and another process works on the GPU, leave its memory to it."""
        lease = self._machine.lease
        assert lease is not None
        while True:
            time.sleep(_GLANCE_SECONDS)
            if self._at_work.acquire(blocking=False):
                try:
                    if lease.wanted():
                        for model in self._models.values():
                            model.rest()
                        self._tidy()
                finally:
                    self._at_work.release()

    def _tidy(self) -> None:
        gc.collect()
        self._machine.tidy()
