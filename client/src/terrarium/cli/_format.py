"""Tables, amounts and times as text."""

from __future__ import annotations

import os
import shutil
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from ._report import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_NARROWEST = 30


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """Print a table on standard output. Cells are never shortened: a shortened id would be useless."""
    cells = [[printable(cell).replace("\n", " ") for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]

    def line(row: Sequence[str]) -> str:
        aligned = (
            cell.rjust(width) if name in right else cell.ljust(width)
            for name, cell, width in zip(columns, row, widths, strict=True)
        )
        return "  ".join(aligned).rstrip()

    typer.secho(line(columns), bold=True)
    for row in cells:
        typer.echo(line(row))


def usd(amount: float | None) -> str:
    """An amount in dollars with all its digits: a credit is a tenth of a cent."""
    if amount is None:
        return ""
    return f"${amount:.2f}" if round(amount, 2) == amount else f"${amount:.6f}".rstrip("0")


def duration(seconds: float | None) -> str:
    """A duration in seconds or minutes."""
    if seconds is None:
        return ""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def timestamp(milliseconds: float | None) -> str:
    """A time in UTC milliseconds, as local time."""
    if milliseconds is None:
        return ""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def terminal_width() -> int:
    """The columns of the terminal, or of ``COLUMNS``; 80 if neither is known.

    A very narrow terminal wraps the lines itself: shortened even more they would say nothing.
    """
    return max(_NARROWEST, shutil.get_terminal_size().columns)


def shorten(text: str, width: int) -> str:
    """Text in one line of so many columns."""
    line = " ".join(printable(text).split())
    if len(line) <= width:
        return line
    mark = "…" if can_draw() else "..."
    return line[: max(0, width - len(mark))].rstrip() + mark


def can_draw() -> bool:
    """Whether the terminal shows more than ASCII, as far as its settings say."""
    if os.name == "nt":
        return (getattr(sys.stdout, "encoding", None) or "").lower().startswith("utf")
    # Python writes UTF-8 in the C locale, whose terminals may not read it.
    settings = (os.environ.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    locale = next(filter(None, settings), "C")
    return locale.lower().replace("-", "").endswith("utf8")
