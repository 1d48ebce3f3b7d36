"""Reading JSON that is going to be sent. Python reads more than a request can contain."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from ._report import BadInput


def parse_json(text: str) -> Any:
    """The value of a JSON text.

    Raises ``ValueError`` for what is not JSON, and ``BadInput`` for NaN, infinite numbers, numbers that are
    too large, and values that are nested too deeply.
    """
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise BadInput("It is nested too deeply.") from None


def _refuse(number: str) -> NoReturn:
    raise BadInput(f"{number} is not a number that JSON has.")


def _finite(number: str) -> float:
    value = float(number)
    if math.isinf(value):
        raise BadInput(f"The number {number} is too large.")
    return value
