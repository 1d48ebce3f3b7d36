"""What is wrapped around engines, so that it need not be written into each of them."""

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

from ._contract import Engine, Failed, Finished, Job, Look, Refused, Ticket

_log = logging.getLogger("terrarium_server.engines")


class _Wrapped:
    """Passes everything on to the engine inside."""

    def __init__(self, inside: Engine) -> None:
        self.inside = inside
        self.name = inside.name
        self.repeatable = inside.repeatable

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        return self.inside.problem(job_options)

    def submit(self, job: Job) -> Ticket:
        return self.inside.submit(job)

    def look(self, ticket: Ticket, *, wait_seconds: float) -> Look:
        return self.inside.look(ticket, wait_seconds=wait_seconds)

    def cancel(self, ticket: Ticket) -> None:
        self.inside.cancel(ticket)

    def close(self) -> None:
        self.inside.close()


class Paced(_Wrapped):
    """Submits at most so many jobs a second; one that comes too early waits for its turn."""

    def __init__(self, inside: Engine, per_second: float) -> None:
        super().__init__(inside)
        self._every = 1.0 / per_second
        self._lock = threading.Lock()
        self._next = 0.0

    def submit(self, job: Job) -> Ticket:
        """Wait for a turn, and submit."""
        with self._lock:
            turn = max(self._next, time.monotonic())
            self._next = turn + self._every
        time.sleep(max(0.0, turn - time.monotonic()))
        return super().submit(job)


class Traced(_Wrapped):
    """Logs each submit and each end with its time; never a prompt, a parameter or a link."""

    def __init__(self, inside: Engine) -> None:
        super().__init__(inside)
        self._began: dict[Ticket, float] = {}

    def submit(self, job: Job) -> Ticket:
        """Submit, and log how long that took."""
        began = time.monotonic()
        try:
            ticket = super().submit(job)
        except Refused as refused:
            _log.info("%s refused %s for %s: %s", self.name, job.key, job.model_id, refused.failure.code)
            raise
        self._began[ticket] = began
        _log.debug("%s took %s for %s in %.3f s", self.name, job.key, job.model_id, time.monotonic() - began)
        return ticket

    def look(self, ticket: Ticket, *, wait_seconds: float) -> Look:
        """Look, and log an end."""
        seen = super().look(ticket, wait_seconds=wait_seconds)
        if isinstance(seen, Finished | Failed):
            seconds = time.monotonic() - self._began.pop(ticket, time.monotonic())
            outcome = f"failed with {seen.code}" if isinstance(seen, Failed) else "finished"
            _log.debug("%s: a job %s after %.3f s", self.name, outcome, seconds)
        return seen

    def cancel(self, ticket: Ticket) -> None:
        """Cancel, and log it."""
        _log.info("%s: a job was cancelled", self.name)
        self._began.pop(ticket, None)
        super().cancel(ticket)
