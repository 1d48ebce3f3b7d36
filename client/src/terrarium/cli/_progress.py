"""Watching a run: a bar on a terminal, plain lines elsewhere, nothing where JSON is wanted."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ._report import note, plain
from ._show import seconds

if TYPE_CHECKING:
    from .._wire import Run

Watch = Callable[["Run"], object]

_STAGES = {"pending": "Queued", "running": "Running", "completed": "Done", "failed": "Failed"}


@contextmanager
def watching(*, estimate: float | None, silent: bool) -> Generator[Watch | None]:
    """What to tell of each change of a run, while it is waited for. ``estimate`` is in seconds."""
    if silent:
        yield None
    elif sys.stderr.isatty():
        with _bar(estimate) as watch:
            yield watch
    else:
        yield _lines(estimate)


def stage(run: Run) -> str:
    """What the run is doing, in the server's own words where it has some."""
    said: Any = (run.model_extra or {}).get("stage")
    return plain(str(said)) if said else _STAGES.get(run.status, run.status.capitalize())


@contextmanager
def _bar(estimate: float | None) -> Generator[Watch]:
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
        TextColumn(f"of about {seconds(estimate)}" if estimate else "", markup=False),
        console=Console(stderr=True),
        transient=True,
    )
    with progress:
        # Without a total the bar pulses, which is all that can be said until the run reports progress.
        task = progress.add_task("Queued", total=None)

        def watch(run: Run) -> None:
            total = 100 if run.progress else None
            progress.update(task, description=stage(run), completed=run.progress, total=total)

        yield watch


def _lines(estimate: float | None) -> Watch:
    began = time.monotonic()

    def watch(run: Run) -> None:
        took = seconds(time.monotonic() - began)
        about = f" of about {seconds(estimate)}" if estimate else ""
        note(f"{stage(run)} {run.progress:.0f} %, {took}{about}")

    return watch
