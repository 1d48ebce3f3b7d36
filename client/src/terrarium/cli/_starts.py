"""Reading the starts of a batch: JSON Lines, or a table with commas (CSV)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from ._report import BadInput

ParseCell = Callable[[str, str, str | None], Any]
_FIELDS = ("type", "prompt", "model")


@dataclass(frozen=True, slots=True)
class Start:
    """One generation to start, and the line of the file that asks for it."""

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
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            body: Any = json.loads(line)
        except ValueError as error:
            raise BadInput(f"Line {number} is not JSON: {error}") from error
        if not isinstance(body, dict):
            raise BadInput(f'Line {number} must be an object, such as {{"prompt": "A mug"}}')
        starts.append(Start(number, cast("dict[str, Any]", body)))
    return starts


def _from_table(text: str, defaults: Mapping[str, str], parse: ParseCell) -> list[Start]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    starts: list[Start] = []
    try:
        if "prompt" not in (reader.fieldnames or ()):
            raise BadInput("The first line must name the columns, separated by commas, one of them `prompt`.")
        for row in reader:
            if None in row:
                raise BadInput(f"Line {reader.line_num} has more cells than there are columns.")
            cells = {name: cell for name, cell in row.items() if cell}
            body: dict[str, Any] = {name: cells.pop(name) for name in _FIELDS if name in cells}
            model = body.get("model", defaults.get("model"))
            if cells:
                body["params"] = {name: parse(name, cell, model) for name, cell in cells.items()}
            starts.append(Start(reader.line_num, body))
    except csv.Error as error:
        raise BadInput(f"The table cannot be read after line {reader.line_num}: {error}") from error
    return starts
