"""Reading the starts of a batch: JSON Lines, or a table with commas (CSV)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from ._json import parse_json
from ._report import BadInput

ParseCell = Callable[[str, str, str | None], Any]
_FIELDS = ("type", "prompt", "model")
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs"}


@dataclass(frozen=True, slots=True)
class Start:
    """One generation to start, and the line of the file where it begins."""

    line: int
    body: dict[str, Any]


def read_starts(text: str, defaults: Mapping[str, str], parse: ParseCell) -> list[Start]:
    """The starts in a text, with ``defaults`` for the fields that they do not have.

    A line of JSON is an object with the fields of a start. The first line of a table names its columns:
    ``prompt``, ``type``, ``model``, and parameters, whose cells ``parse(name, text, model)`` converts; an
    empty cell means nothing. Raises ``BadInput``.
    """
    text = text.removeprefix("\ufeff")
    starts = _from_json(text) if text.lstrip().startswith("{") else _from_table(text, defaults, parse)
    if not starts:
        raise BadInput("There are no starts in the file.")
    return [Start(start.line, {**defaults, **start.body}) for start in starts]


def _from_json(text: str) -> list[Start]:
    starts: list[Start] = []
    # JSON allows the other characters that Python takes for ends of lines inside a string.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            body: Any = parse_json(line)
        except ValueError as error:
            raise BadInput(f"Line {number} is not JSON: {error}") from error
        except BadInput as error:
            raise BadInput(f"Line {number}: {error}") from error
        if not isinstance(body, dict):
            raise BadInput(f'Line {number} must be an object, such as {{"prompt": "A mug"}}')
        starts.append(Start(number, cast("dict[str, Any]", body)))
    return starts


def _from_table(text: str, defaults: Mapping[str, str], parse: ParseCell) -> list[Start]:
    rows = _rows(text)
    _, first = next(rows, (1, list[str]()))
    columns = _columns(first)
    starts: list[Start] = []
    for line, row in rows:
        if len(row) > len(columns):
            raise BadInput(f"Line {line} has more cells than there are columns.")
        cells = {name: cell for name, cell in zip(columns, row, strict=False) if cell}
        if "" in cells:
            raise BadInput(f"Line {line} has a cell in a column without a name.")
        body: dict[str, Any] = {name: cells.pop(name) for name in _FIELDS if name in cells}
        model = body.get("model", defaults.get("model"))
        if cells:
            body["params"] = {name: _parsed(line, name, cell, model, parse) for name, cell in cells.items()}
        starts.append(Start(line, body))
    return starts


def _rows(text: str) -> Generator[tuple[int, list[str]]]:
    """The rows of a table that are not empty, with the line where each begins."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for row in reader:
            if row:
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise BadInput(f"The row that begins in line {line} cannot be read: {error}") from error


def _columns(row: Sequence[str]) -> list[str]:
    """The names of the columns; several may have none."""
    columns = [name.strip() for name in row]
    if "prompt" not in columns:
        message = "The first line must name the columns, separated by commas, one of them `prompt`"
        for separator, name in _OTHER_SEPARATORS.items():
            if any(separator in column for column in columns):
                message += f"; here they are separated by {name}"
        raise BadInput(f"{message}.")
    for name in columns:
        if name and columns.count(name) > 1:
            raise BadInput(f"Two columns have the name `{name}`.")
    return columns


def _parsed(line: int, name: str, cell: str, model: str | None, parse: ParseCell) -> Any:
    try:
        return parse(name, cell, model)
    except BadInput as error:
        raise BadInput(f"Line {line}, {name}: {error}") from error
