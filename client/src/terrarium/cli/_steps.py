"""The steps of a batch as lines: what each of its runs does, and how many are in each state."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import typer

from ._format import can_draw, shorten, terminal_width, usd

if TYPE_CHECKING:
    from ..types import RunCounts, RunStep

_STATES = ("completed", "failed", "skipped", "running", "pending")
_MARKS = dict(zip(_STATES, "✓✗-▶·", strict=True))
_ASCII_MARKS = dict(zip(_STATES, "+x->.", strict=True))
_COLORS = {"completed": "green", "failed": "red", "running": "cyan"}
_BAR = 20
# More neighbours than these that are alike become one line.
_MOST_ALIKE = 4
_NUMBERED = re.compile(r"(.*\[)(\d+)\]")


def summary(counts: RunCounts) -> str:
    """How many runs are in each state: ``12 completed, 1 failed, 3 running, 184 pending``."""
    return ", ".join(f"{count} {state}" for state in _STATES if (count := getattr(counts, state)))


def failure_line(step: RunStep) -> str:
    """Which run failed and why."""
    error = ": ".join(filter(None, (step.error_code, step.error_message)))
    return f"{step.step} ({step.run_id}): {error or step.status}"


def print_steps(steps: Sequence[RunStep]) -> None:
    """Print one line for each step, or for many neighbours that are alike."""
    groups = _groups(steps)
    names = _column([_name(group) for group in groups])
    models = _column([group[0].model.model_id for group in groups])
    marks = _MARKS if can_draw() else _ASCII_MARKS
    for group, name, model in zip(groups, names, models, strict=True):
        status = group[0].status
        line = f"{marks.get(status, '?')} {name}  {model}  "
        line += shorten(_detail(group), terminal_width() - len(line))
        typer.secho(line.rstrip(), fg=_COLORS.get(status))


def _groups(steps: Sequence[RunStep]) -> list[list[RunStep]]:
    """The steps in their order; neighbours that are alike are together if there are many."""
    groups: list[list[RunStep]] = []
    for _, alike in groupby(steps, lambda step: (step.status, step.model, step.error_code, step.after)):
        group = list(alike)
        groups += [group] if len(group) > _MOST_ALIKE else [[step] for step in group]
    return groups


def _name(group: Sequence[RunStep]) -> str:
    """``starts[3]``, or ``starts[3-17]`` for many."""
    first, last = group[0].step, group[-1].step
    if len(group) == 1:
        return first
    begin, end = _NUMBERED.fullmatch(first), _NUMBERED.fullmatch(last)
    if begin and end and begin[1] == end[1]:
        return f"{begin[1]}{begin[2]}-{end[2]}]"
    return f"{first} - {last}"


def _column(cells: Sequence[str]) -> list[str]:
    """The cells with one width, at most a third of the terminal."""
    width = min(max(map(len, cells), default=0), terminal_width() // 3)
    return [shorten(cell, width).ljust(width) for cell in cells]


def _detail(group: Sequence[RunStep]) -> str:
    step = group[0]
    parts = [f"{len(group)} {step.status}"] if len(group) > 1 else []
    if step.status == "running":
        parts.append(_bar(sum(each.progress for each in group) / len(group)))
    elif step.status == "completed":
        parts.append(usd(sum(each.charged_cost for each in group)))
    elif step.error_code or step.error_message:
        parts.append(": ".join(filter(None, (step.error_code, step.error_message))))
    if step.after and step.status == "pending":
        parts.append(f"after {', '.join(step.after)}")
    return ", ".join(parts)


def _bar(percent: float) -> str:
    full, empty = ("█", "░") if can_draw() else ("#", ".")
    done = round(percent / 100 * _BAR)
    return f"{full * done}{empty * (_BAR - done)} {percent:.0f} %"
