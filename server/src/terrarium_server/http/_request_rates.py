"""The limits on requests that each process counts for itself, in memory."""

import time
from typing import Literal

from terrarium_server.rates import REFILL_US, Rate, RateState

_MOST = 10_000


# Attempts are requests that try to start a run. The database counts those that succeed.
Counted = Literal["attempts", "others"]


class RequestRates:
    """How many requests of either sort each workspace may send to this process; for one event loop.

    They are counted apart, so that polling cannot use up the starts.
    """

    def __init__(self) -> None:
        # When each bucket is full again, in microseconds of the monotonic clock.
        self._full_at: dict[tuple[str, Counted], int] = {}

    def take(self, workspace_id: str, counted: Counted, rate: Rate) -> tuple[RateState, int]:
        """Count one request; return the state, and 0, or in how many seconds the refused request may come."""
        now = time.monotonic_ns() // 1000
        bucket = (workspace_id, counted)
        missing = max(0, self._full_at.get(bucket, 0) - now)
        if missing + rate.cost_us > REFILL_US:
            return rate.state(missing), rate.retry_after(missing)
        missing += rate.cost_us
        if len(self._full_at) >= _MOST:
            self._full_at = {other: full_at for other, full_at in self._full_at.items() if full_at > now}
        self._full_at[bucket] = now + missing
        return rate.state(missing), 0
