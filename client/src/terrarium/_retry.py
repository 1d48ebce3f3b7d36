"""When to retry and how long to wait before: pure functions, shared by both clients."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

FIRST_WAIT = 0.5
LONGEST_WAIT = 8.0
# A server may ask for any wait. A longer one than this is not waited out; the caller gets the error.
LONGEST_SERVER_WAIT = 60.0


def worth_retrying(status: int, headers: Mapping[str, str]) -> bool:
    """Whether to retry after this status; the server's ``x-should-retry`` decides where it is sent."""
    should_retry = headers.get("x-should-retry")
    if should_retry in ("true", "false"):
        return should_retry == "true"
    return status in (408, 409, 429) or status >= 500


def server_wait(headers: Mapping[str, str], now: float) -> float | None:
    """The seconds that the server asks to wait; None if it does not ask, or asks for too long a wait.

    ``now`` is the present time in Unix seconds; an HTTP date is compared with it.
    """
    wait = _number(headers.get("retry-after-ms"))
    if wait:
        wait /= 1000
    else:
        retry_after = headers.get("retry-after")
        wait = _number(retry_after)
        if wait is None and retry_after:
            try:
                wait = parsedate_to_datetime(retry_after).timestamp() - now
            except ValueError:
                return None
    return wait if wait is not None and 0 < wait <= LONGEST_SERVER_WAIT else None


def pause(attempt: int, headers: Mapping[str, str] | None, *, now: float, jitter: float) -> float:
    """Seconds to wait after failed attempt number ``attempt`` (0 is the first).

    ``jitter``, from 0 to 1, shortens the wait by up to a quarter, so that many clients do not retry at the
    same moment.
    """
    requested = server_wait(headers, now) if headers is not None else None
    if requested is not None:
        return requested
    return min(FIRST_WAIT * 2**attempt, LONGEST_WAIT) * (1 - 0.25 * jitter)


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else None
    except ValueError:
        return None
    return value if value is not None and value == value else None  # NaN is not a wait
