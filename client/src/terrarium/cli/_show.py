"""Tables and figures for people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from ._report import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """Print rows on standard output, never cut off: an id that lost its end is of no use."""
    cells = [[plain(cell).replace("\n", " ") for cell in row] for row in rows]
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
    """Dollars, as exact as the amount: credits are tenths of a cent."""
    if amount is None:
        return ""
    return f"${amount:.2f}" if round(amount, 2) == amount else f"${amount:.6f}".rstrip("0")


def seconds(value: float | None) -> str:
    """A length of time."""
    if value is None:
        return ""
    return f"{value:.0f} s" if value < 120 else f"{value / 60:.0f} min"


def moment(milliseconds: float | None) -> str:
    """A time on the wire (UTC milliseconds), as local time."""
    if milliseconds is None:
        return ""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
