"""The progress of a run on a terminal, drawn again whenever it changes."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from ._format import can_draw, duration
from ._progress import OnProgress, status_text
from ._steps import summary

if TYPE_CHECKING:
    from ..types import Run, RunStep

# Besides the steps there are the bar of the batch, its summary, what is not shown, and the cursor.
_OTHER_LINES = 4


class _AsciiConsole(Console):
    """For a terminal that may not show more than ASCII, although Python writes UTF-8 to it."""

    @property
    def encoding(self) -> str:
        """The encoding that decides how bars are drawn."""
        return "ascii"


@contextmanager
def live_progress(estimate: float | None) -> Generator[OnProgress]:
    """A function that draws a run: its bar, and for a batch the counts and the bars of what is running."""
    console = Console(stderr=True) if can_draw() else _AsciiConsole(stderr=True)
    bar = Progress(
        *((SpinnerColumn(),) if can_draw() else ()),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn(f"of about {duration(estimate)}" if estimate else "", markup=False),
    )
    # Without a total the bar pulses, until the run reports progress.
    task = bar.add_task("Queued", total=None)
    with Live(bar, console=console, transient=True) as live:

        def on_progress(run: Run) -> None:
            total = 100 if run.progress else None
            bar.update(task, description=status_text(run), completed=run.progress, total=total)
            if run.counts:
                running = [step for step in run.steps or [] if step.status == "running"]
                most = max(0, console.height - _OTHER_LINES)
                live.update(Group(bar, Text(summary(run.counts)), *_steps(running, most)))

        yield on_progress


def _steps(running: list[RunStep], most: int) -> list[RenderableType]:
    bars = Progress(
        TextColumn("{task.description}", markup=False), BarColumn(20), TaskProgressColumn(), expand=False
    )
    for step in running[:most]:
        bars.add_task(f"  {step.step}  {step.model.model_id}", total=100, completed=round(step.progress))
    hidden = len(running) - most
    return [bars, *([Text(f"  and {hidden} more")] if hidden > 0 else [])]
