"""In the child: a model works in a thread of its own, so that its process stays able to answer meanwhile."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from .._child import Cancelled, Talk
from .._contract import Output

Made = TypeVar("Made")

# One thread for all jobs: libraries keep their own threads for each thread that calls them.
_AT_WORK = ThreadPoolExecutor(max_workers=1, thread_name_prefix="model")
_HEARTBEAT = 0.5


class Progress:
    """What the working thread says; `report` is where it is stopped once nobody wants the result."""

    def __init__(self) -> None:
        """Start at the beginning."""
        self.news = threading.Event()
        self._fraction = 0.01
        self._preview: Output | None = None
        self._stopped = False

    def report(self, fraction: float, preview: Output | None = None) -> None:
        """Say how far it is, from 0 to 1. Raises Cancelled."""
        if self._stopped:
            raise Cancelled
        self._fraction = max(self._fraction, min(fraction, 1.0))
        self._preview = preview or self._preview
        self.news.set()

    def part(self, start: float, end: float) -> Callable[[float], None]:
        """Return a reporter for one part of the whole."""
        return lambda fraction: self.report(start + (end - start) * fraction)

    def stop(self) -> None:
        """Let the next report raise Cancelled."""
        self._stopped = True

    def tell(self, talk: Talk) -> None:
        """Pass on what there is. Raises Cancelled."""
        self.news.clear()
        preview, self._preview = self._preview, None
        talk.report(self._fraction, preview)


def attend(talk: Talk, work: Callable[[Progress], Made]) -> Made:
    """Let ``work`` be done, telling how far it is twice a second at least.

    Raises what it raises, and Cancelled after it has come to its next report.
    """
    progress = Progress()
    job = _AT_WORK.submit(work, progress)
    job.add_done_callback(lambda _: progress.news.set())
    try:
        while not job.done():
            progress.tell(talk)
            progress.news.wait(_HEARTBEAT)
    except Cancelled:
        progress.stop()
        job.exception()
        raise
    return job.result()
