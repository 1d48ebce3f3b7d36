"""Failures in a row, which long work tolerates for a while."""

from __future__ import annotations

from ._clock import Clock
from ._errors import APIConnectionError, APIStatusError
from ._exchange import log
from ._retry import pause, worth_retrying

# In seconds. Runs and events survive a restart of their server, so whoever waits for them does too.
LONGEST_OUTAGE = 60.0


class Outage:
    """How long ``what`` could not be read, and how long to wait before the next attempt."""

    def __init__(self, what: str, clock: Clock) -> None:
        self._what, self._clock = what, clock
        self._failures, self._since = 0, 0.0

    def wait_after(self, error: APIConnectionError | APIStatusError, *, since: float) -> float:
        """The seconds to wait after an attempt that began at ``since``.

        Raises ``error`` if another attempt would not help, or after a minute of failures.
        """
        clock = self._clock
        if not self._failures:
            self._since = since
        headers = error.response.headers if isinstance(error, APIStatusError) else None
        is_final = isinstance(error, APIStatusError) and not worth_retrying(error.status_code, headers or {})
        if is_final or clock.monotonic() - self._since > LONGEST_OUTAGE:
            raise error
        wait = pause(self._failures, headers, now=clock.now(), jitter=clock.jitter())
        self._failures += 1
        log.info("Waiting for %s: %s; retrying in %.2f s", self._what, error, wait)
        return wait

    def is_over(self) -> None:
        """Note that an attempt succeeded."""
        self._failures = 0
