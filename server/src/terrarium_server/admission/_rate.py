"""Rate limits: how many runs a workspace may start in a minute."""

import math
import time
from dataclasses import dataclass

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from terrarium_server.problems import RateLimited


@dataclass(frozen=True, slots=True)
class RateState:
    """A workspace's window: runs per minute, how many remain, seconds until the oldest one expires."""

    limit: int
    remaining: int
    reset_seconds: int


class RateLimits:
    """Runs a workspace may start within any minute (a moving window, in this process's memory)."""

    def __init__(self, default_per_minute: int) -> None:
        """Use ``default_per_minute`` for workspaces without a limit of their own."""
        self._default = default_per_minute
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def hit(self, workspace_id: str, limit: int | None) -> None:
        """Count one start. Raises RateLimited when the window is full."""
        item = RateLimitItemPerMinute(limit or self._default)
        if not self._limiter.hit(item, workspace_id):
            raise RateLimited(max(1, self.state(workspace_id, limit).reset_seconds))

    def state(self, workspace_id: str, limit: int | None) -> RateState:
        """Return the state of a workspace's window, without counting a start."""
        item = RateLimitItemPerMinute(limit or self._default)
        stats = self._limiter.get_window_stats(item, workspace_id)
        # For an empty window the library returns a reset that is a whole window away.
        reset = math.ceil(stats.reset_time - time.time()) if stats.remaining < item.amount else 0
        return RateState(item.amount, max(0, stats.remaining), max(0, reset))
