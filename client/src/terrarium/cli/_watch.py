"""``terrarium runs watch``: follow what happens to a run."""

import sys
import time
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any, cast

import typer

from ._defaults import client
from ._format import timestamp
from ._lists import AsJson, RunId
from ._outcome import report_failures, summary_of
from ._report import Exit, emit_json_line, fail, note, printable, reports_errors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .. import Flora
    from ..types import Event, Run, RunProgress, StreamEvent


_ENDED = {"completed", "failed", "skipped"}


@reports_errors
def watch(run_id: RunId, as_json: AsJson = False) -> None:
    """Follow a run or a batch up to its end: bars on a terminal, else one line for each event.

    With --json each event is a line of JSON.
    """
    with client() as flora:
        run = flora.runs.retrieve(run_id)
        try:
            with closing(flora.runs.events(run_id)) as events:
                if as_json:
                    for event in events:
                        emit_json_line(event.to_dict())
                elif sys.stdout.isatty() and sys.stderr.isatty():
                    _draw(flora, run, events)
                else:
                    _print_lines(run, events)
        except KeyboardInterrupt:
            note("\nThe run continues.")
            raise typer.Exit(Exit.INTERRUPTED) from None
        run = flora.runs.retrieve(run_id)
    if not as_json:
        note(summary_of(run))
    if _report_failure(run):
        raise typer.Exit(Exit.RUN_FAILED)


def _report_failure(run: "Run") -> bool:
    """Say on standard error why a run failed; with --json its last event has said so. Whether it failed."""
    if run.steps is not None:
        return report_failures(run.steps)
    if run.status == "completed":
        return False
    from .. import RunFailedError

    fail(str(RunFailedError(run)))
    return True


def _print_lines(run: "Run", events: "Iterable[StreamEvent]") -> None:
    from ..types import Event, RunProgress

    names = {step.run_id: f"{step.step} " for step in run.steps or []}
    for event in events:
        match event:
            case Event():
                error = ": ".join(filter(None, (event.error_code, event.error_message)))
                what = event.type.removeprefix("run.") + (f": {error}" if error else "")
                line = f"{timestamp(event.created_at)}  {names.get(event.run_id, '')}{what}"
                typer.echo(printable(line))
            case RunProgress() if event.run_id == run.run_id:
                typer.echo(f"{timestamp(time.time() * 1000)}  {event.progress:.0f} %")
            case _:
                pass


def _draw(flora: "Flora", run: "Run", events: "Iterable[StreamEvent]") -> None:
    from ..types import StreamPosition
    from ._live import live_progress

    with live_progress(None) as on_progress:
        for event in events:
            if isinstance(event, StreamPosition):
                run = flora.runs.retrieve(run.run_id)
            else:
                _apply(event, run)
            on_progress(run)


def _apply(event: "Event | RunProgress", run: "Run") -> None:
    """Bring what is known of a run up to date with an event."""
    from ..types import Event, RunCounts

    changed = next((step for step in run.steps or [] if step.run_id == event.run_id), run)
    if not isinstance(event, Event):
        changed.progress = event.progress
    elif event.status is not None:
        changed.status = cast("Any", event.status)
        if event.status in _ENDED:
            changed.progress = 100
        if changed is not run and run.counts:
            states = Counter(step.status for step in run.steps or [])
            run.counts = RunCounts.model_validate({name: states[name] for name in RunCounts.model_fields})
            run.status = "running" if states["pending"] < len(run.steps or []) else "pending"
