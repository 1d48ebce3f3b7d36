import threading
import time
from dataclasses import dataclass

from ._contract import Failed, Ticket
from ._failures import ProviderError


@dataclass(slots=True)
class _Poll:
    due: float
    pause: float
    trouble_since: float | None = None


class Polls:
    """When to ask again how a provider's job stands, and for how long to put up with no answer."""

    def __init__(self, *, first: float = 1.0, slowest: float = 10.0, patience: float = 300.0) -> None:
        """Ask after ``first`` seconds and then ever more slowly; trouble may last ``patience`` seconds."""
        self._first, self._slowest, self._patience = first, slowest, patience
        self._polls: dict[Ticket, _Poll] = {}
        self._closed = threading.Event()

    def due(self, ticket: Ticket, wait_seconds: float) -> bool:
        """Wait for the moment to ask, at most ``wait_seconds``; False if it is still to come."""
        now = time.monotonic()
        poll = self._polls.setdefault(ticket, _Poll(now, self._first))
        self._closed.wait(max(0.0, min(poll.due - now, wait_seconds)))
        if time.monotonic() < poll.due:
            return False
        poll.due = time.monotonic() + poll.pause
        poll.pause = min(poll.pause * 1.5, self._slowest)
        return True

    def answered(self, ticket: Ticket) -> None:
        """Note that the provider answered."""
        if poll := self._polls.get(ticket):
            poll.trouble_since = None

    def failed(self, ticket: Ticket, error: ProviderError) -> Failed | None:
        """Return the failure, or None if it may pass and should be asked again.

        What was paid for is not given up because the provider hiccups while it is asked for it.
        """
        poll = self._polls.get(ticket)
        if poll is None or not error.passes:
            return error.failure
        now = time.monotonic()
        poll.trouble_since = poll.trouble_since or now
        poll.due = now + max(poll.pause, error.failure.retry_after or 0.0)
        return None if now - poll.trouble_since < self._patience else error.failure

    def forget(self, ticket: Ticket) -> None:
        """The job is over."""
        self._polls.pop(ticket, None)

    def close(self) -> None:
        """Wake whoever waits."""
        self._closed.set()
