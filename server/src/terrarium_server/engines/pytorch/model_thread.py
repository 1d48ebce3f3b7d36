"""A thread for the model, so that a process can report progress and be cancelled while it computes."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from terrarium_server.engines import Output
from terrarium_server.engines.child import Cancelled, JobContext

Result = TypeVar("Result")

# One thread for all jobs: libraries keep threads of their own for each thread that calls them.
_EXECUTOR = ThreadPoolExecutor(max_workers=1, thread_name_prefix="model")
_REPORT_SECONDS = 0.5


class JobProgress:
    """The progress of the model's thread. A cancelled job ends in its next `report`."""

    def __init__(self) -> None:
        """Start at the beginning."""
        self.changed = threading.Event()
        self._fraction = 0.01
        self._preview: Output | None = None
        self._stopped = False

    def report(self, fraction: float, preview: Output | None = None) -> None:
        """Record how much is done, from 0 to 1. Raises Cancelled."""
        if self._stopped:
            raise Cancelled
        self._fraction = max(self._fraction, min(fraction, 1.0))
        self._preview = preview or self._preview
        self.changed.set()

    def part(self, start: float, end: float) -> Callable[[float], None]:
        """Return a function that reports the progress of one part of the whole."""
        return lambda fraction: self.report(start + (end - start) * fraction)

    def stop(self) -> None:
        """Let the next report raise Cancelled."""
        self._stopped = True

    def send(self, context: JobContext) -> None:
        """Report the latest progress to the server. Raises Cancelled."""
        self.changed.clear()
        preview, self._preview = self._preview, None
        context.report(self._fraction, preview)


def run_in_model_thread(context: JobContext, work: Callable[[JobProgress], Result]) -> Result:
    """Run ``work`` in the model's thread and report its progress at least twice a second.

    Raises what ``work`` raises. Raises Cancelled for a cancelled job, once ``work`` has ended.
    """
    progress = JobProgress()
    job = _EXECUTOR.submit(work, progress)
    job.add_done_callback(lambda _: progress.changed.set())
    try:
        while not job.done():
            progress.send(context)
            progress.changed.wait(_REPORT_SECONDS)
    except Cancelled:
        progress.stop()
        job.exception()
        raise
    return job.result()
