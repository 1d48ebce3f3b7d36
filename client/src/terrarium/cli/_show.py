"""``terrarium runs show``: everything about one run."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

from ._format import duration, shorten, terminal_width, timestamp, usd
from ._report import printable
from ._steps import print_steps, summary

if TYPE_CHECKING:
    from ..types import Run

_INDENT = 10
_MOST_LINES = 4


def print_run(run: Run) -> None:
    """Print a run, line by line, and the steps of a batch."""
    width = terminal_width() - _INDENT
    lines = [
        ("run", run.run_id),
        ("status", f"{run.status}, {run.progress:.0f} %"),
        ("queue", _place(run)),
        ("runs", summary(run.counts) if run.counts else ""),
        ("parallel", f"at most {run.max_parallel}" if run.max_parallel else ""),
        ("model", run.model.model_id if run.model else ""),
        ("prompt", shorten(run.prompt or "", width)),
        ("params", _parameters(run.params or {}, width)),
        ("seed", "" if run.seed is None else str(run.seed)),
        ("priority", str(run.priority) if run.priority else ""),
        ("actor", run.actor or ""),
        ("project", run.project_id or ""),
        ("batch", run.batch_id or ""),
        ("cost", usd(run.charged_cost)),
        ("created", timestamp(run.created_at)),
        ("started", timestamp(run.started_at)),
        ("completed", timestamp(run.completed_at)),
        ("error", ": ".join(filter(None, (run.error_code, run.error_message)))),
    ]
    if not run.steps:
        # Those of a batch may be hundreds; `runs wait` saves them.
        lines += [("output", output.url) for output in run.outputs or []]
    for name, value in lines:
        if value:
            typer.echo(f"{name:<{_INDENT}}{printable(value)}")
    if run.steps:
        typer.echo()
        print_steps(run.steps)


def _place(run: Run) -> str:
    if run.queue_position is None:
        return ""
    before = f"{run.queue_position} before it" if run.queue_position else "next"
    seconds = run.estimated_start_seconds
    return f"{before}, starts in about {duration(seconds)}" if seconds else before


def _parameters(params: Mapping[str, Any], width: int) -> str:
    """Parameters in a few lines; one may be as long as a prompt."""
    text = " ".join(
        f"{name}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in params.items()
    )
    lines = textwrap.wrap(text, width, max_lines=_MOST_LINES, placeholder=" [...]")
    return f"\n{' ' * _INDENT}".join(lines)
