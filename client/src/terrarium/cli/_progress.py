"""The progress of a run: bars on a terminal, plain lines elsewhere, nothing with ``--json``."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ._format import duration
from ._report import note, printable
from ._steps import summary

if TYPE_CHECKING:
    from ..types import Run

OnProgress = Callable[["Run"], object]

_STATUS_TEXTS = {"pending": "Queued", "running": "Running", "completed": "Done", "failed": "Failed"}
# Between two lines about a batch, in seconds.
_LINE_INTERVAL = 1.0


@contextmanager
def show_progress(*, estimate: float | None, silent: bool) -> Generator[OnProgress | None]:
    """A function to call with each change of a run; it shows the progress. ``estimate`` is in seconds."""
    if silent:
        yield None
    elif sys.stderr.isatty():
        from ._live import live_progress

        with live_progress(estimate) as on_progress:
            yield on_progress
    else:
        yield _lines(estimate)


def status_text(run: Run) -> str:
    """What the run is doing: the server's own text if it sends one, else its status."""
    sent: Any = (run.model_extra or {}).get("stage")
    if sent:
        return printable(str(sent))
    if run.status == "pending" and run.queue_position:
        return f"Queued ({run.queue_position} before it)"
    return _STATUS_TEXTS.get(run.status, run.status.capitalize())


def _lines(estimate: float | None) -> OnProgress:
    began = time.monotonic()
    of_estimate = f" of about {duration(estimate)}" if estimate else ""
    printed_at, last = -math.inf, ""

    def on_progress(run: Run) -> None:
        nonlocal printed_at, last
        now = time.monotonic()
        text = f"{status_text(run)} {run.progress:.0f} %"
        if run.counts:
            text += f" ({summary(run.counts)})"
            # A batch changes often.
            if run.completed_at is None and now - printed_at < _LINE_INTERVAL:
                return
        if text != last:
            note(f"{text}, {duration(now - began)}{of_estimate}")
            printed_at, last = now, text

    return on_progress
