"""Rate limits by the generic cell rate algorithm (GCRA): the arithmetic, without a place for the state.

A limit of N per minute is a bucket that holds N and refills evenly, one every 60/N seconds. Its whole state
is one time: when the bucket will be full again. Times are microseconds of whatever clock the owner of the
state uses.
"""

import math
from dataclasses import dataclass

# The time in which an empty bucket becomes full.
REFILL_US = 60_000_000


@dataclass(frozen=True, slots=True)
class RateState:
    """What ``RateLimit-*`` headers show: the limit, what remains, and seconds until all of it is back."""

    limit: int
    remaining: int
    reset_seconds: int


@dataclass(frozen=True, slots=True)
class Rate:
    """A limit of ``per_minute``, at least 1 and at most 60 million."""

    per_minute: int

    @property
    def cost_us(self) -> int:
        """How much later the bucket is full after one was taken."""
        return REFILL_US // self.per_minute

    def state(self, missing_us: int) -> RateState:
        """Return the state of a bucket that is full in so many microseconds."""
        remaining = min(self.per_minute, max(0, (REFILL_US - missing_us) // self.cost_us))
        return RateState(self.per_minute, remaining, math.ceil(missing_us / 1_000_000))

    def retry_after(self, missing_us: int, count: int = 1) -> int:
        """Return in how many whole seconds ``count`` can be taken; the bucket is full in ``missing_us``."""
        return max(1, math.ceil((missing_us + count * self.cost_us - REFILL_US) / 1_000_000))
