"""In the child: what every job on PyTorch goes through, whatever it makes."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from .._child import Talk, Unfit
from .._contract import Output
from .loading import key_of, stay_offline
from .machine import Machine, is_broken, is_out_of_memory
from .shelf import Resident, Shelf
from .waiting import Progress, attend

Model = TypeVar("Model", bound=Resident)

_LOADED = 0.05


class Bench(Generic[Model]):
    """The machine and the models of one child. ``load`` reads a model, and says its size beforehand."""

    def __init__(
        self,
        load: Callable[[Machine, dict[str, Any]], tuple[int, Callable[[], Model]]],
        work: Callable[[Machine, Model, dict[str, Any], Progress, bool], Sequence[Output]],
    ) -> None:
        """``work`` makes the outputs; its last argument asks it to do with little memory on the GPU."""
        self._load = load
        self._work = work
        self._shelf: Shelf[Model] | None = None
        self._machine: Machine | None = None

    def handle(self, request: dict[str, Any], talk: Talk) -> Sequence[Output]:
        """Carry out one request."""
        return attend(talk, lambda progress: self._carry_out(request, progress))

    def _carry_out(self, request: dict[str, Any], progress: Progress) -> Sequence[Output]:
        stay_offline(download=request["download"])
        machine = self._machine = self._machine or Machine(request["device"], request["dtype"])
        shelf = self._shelf = self._shelf or Shelf[Model](machine)

        def waiting() -> None:
            time.sleep(0.25)
            progress.report(0.01)

        size, load = self._load(machine, request)
        with shelf.at_work(waiting):
            model = shelf.take(key_of(request), size, load)
            progress.report(_LOADED)
            try:
                return self._try(machine, model, request, progress)
            except Exception as error:
                if is_broken(error):
                    # The pool starts another process and says so.
                    raise SystemExit(1) from error
                raise

    def _try(
        self, machine: Machine, model: Model, request: dict[str, Any], progress: Progress
    ) -> Sequence[Output]:
        for frugal in (False, True):
            try:
                return self._work(machine, model, request, progress, frugal)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                if frugal or not machine.is_cuda:
                    break
            # Only out here nothing holds what the failed call had in memory.
            machine.tidy()
        model.rest()
        message = (
            "There is not enough memory for this; ask for a lower resolution, fewer frames or less text."
        )
        raise Unfit("GENERATION_INPUT_VALIDATION", message)
