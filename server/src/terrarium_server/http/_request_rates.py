"""The limit on requests other than starts: reads, and writes that start no run."""

import time

from terrarium_server.rates import REFILL_US, Rate, RateState

_MOST = 10_000


class RequestRates:
    """How many requests each workspace may send to this process, in memory; for one event loop.

    It is counted apart from starts, which the database counts, so that polling cannot use up the starts.
    """

    def __init__(self) -> None:
        # When each workspace's bucket is full again, in microseconds of the monotonic clock.
        self._full_at: dict[str, int] = {}

    def take(self, workspace_id: str, rate: Rate) -> tuple[RateState, int]:
        """Count one request; return the state, and 0, or in how many seconds the refused request may come."""
        now = time.monotonic_ns() // 1000
        missing = max(0, self._full_at.get(workspace_id, 0) - now)
        if missing + rate.cost_us > REFILL_US:
            return rate.state(missing), rate.retry_after(missing)
        missing += rate.cost_us
        if len(self._full_at) >= _MOST:
            self._full_at = {name: full_at for name, full_at in self._full_at.items() if full_at > now}
        self._full_at[workspace_id] = now + missing
        return rate.state(missing), 0
