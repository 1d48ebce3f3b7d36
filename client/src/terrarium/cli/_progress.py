"""The progress of a run: a bar on a terminal, plain lines elsewhere, nothing with ``--json``."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ._format import duration
from ._report import note, printable

if TYPE_CHECKING:
    from .._wire import Run

OnProgress = Callable[["Run"], object]

_STATUS_TEXTS = {"pending": "Queued", "running": "Running", "completed": "Done", "failed": "Failed"}


@contextmanager
def show_progress(*, estimate: float | None, silent: bool) -> Generator[OnProgress | None]:
    """A function to call with each change of a run; it shows the progress. ``estimate`` is in seconds."""
    if silent:
        yield None
    elif sys.stderr.isatty():
        with _bar(estimate) as on_progress:
            yield on_progress
    else:
        yield _lines(estimate)


def status_text(run: Run) -> str:
    """What the run is doing: the server's own text if it sends one, else its status."""
    sent: Any = (run.model_extra or {}).get("stage")
    return printable(str(sent)) if sent else _STATUS_TEXTS.get(run.status, run.status.capitalize())


@contextmanager
def _bar(estimate: float | None) -> Generator[OnProgress]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        SpinnerColumn,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    progress = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn(f"of about {duration(estimate)}" if estimate else "", markup=False),
        console=Console(stderr=True),
        transient=True,
    )
    with progress:
        # Without a total the bar pulses, until the run reports progress.
        task = progress.add_task("Queued", total=None)

        def on_progress(run: Run) -> None:
            total = 100 if run.progress else None
            progress.update(task, description=status_text(run), completed=run.progress, total=total)

        yield on_progress


def _lines(estimate: float | None) -> OnProgress:
    began = time.monotonic()

    def on_progress(run: Run) -> None:
        elapsed = duration(time.monotonic() - began)
        of_estimate = f" of about {duration(estimate)}" if estimate else ""
        note(f"{status_text(run)} {run.progress:.0f} %, {elapsed}{of_estimate}")

    return on_progress
