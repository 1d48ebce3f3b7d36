"""When to try again and how long to wait first: pure functions, shared by both clients."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

FIRST_WAIT = 0.5
LONGEST_WAIT = 8.0
# A server may ask for any wait; a caller who needs a longer one than this is better told so.
LONGEST_SERVER_WAIT = 60.0


def worth_retrying(status: int, headers: Mapping[str, str]) -> bool:
    """Whether an answer of this status may be different next time; the server's word wins."""
    told = headers.get("x-should-retry")
    if told in ("true", "false"):
        return told == "true"
    return status in (408, 409, 429) or status >= 500


def server_wait(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds the server asks to wait, or None where it asks for nothing or for too much.

    ``now`` is in Unix seconds, against which an HTTP date is read.
    """
    wait = _number(headers.get("retry-after-ms"))
    if wait:
        wait /= 1000
    else:
        asked = headers.get("retry-after")
        wait = _number(asked)
        if wait is None and asked:
            try:
                wait = parsedate_to_datetime(asked).timestamp() - now
            except ValueError:
                return None
    return wait if wait is not None and 0 < wait <= LONGEST_SERVER_WAIT else None


def pause(attempt: int, headers: Mapping[str, str] | None, *, now: float, chance: float) -> float:
    """Seconds to wait after failed attempt number ``attempt`` (0 is the first).

    ``chance`` in 0..1 takes off up to a quarter, so that many clients do not come back in step.
    """
    asked = server_wait(headers, now) if headers is not None else None
    if asked is not None:
        return asked
    return min(FIRST_WAIT * 2**attempt, LONGEST_WAIT) * (1 - 0.25 * chance)


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else None
    except ValueError:
        return None
    return value if value is not None and value == value else None  # NaN is not a wait
