"""Waiting for a run: long polls where the server supports them, else polls at growing intervals."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from ._clock import Clock
from ._config import Config, Headers, with_longer_read
from ._errors import APIConnectionError, APIStatusError, RunFailedError, WaitTimeout
from ._exchange import exchange
from ._operation import Callback, Operation, Sleep, Steps, WriteOptions
from ._outage import Outage
from ._retry import server_wait
from .types import Run

# All in seconds. How long a long poll may take: proxies commonly close connections after 30 or 60.
LONG_POLL = 25
# An unchanged run counts as long polled only if the poll took this long; else we would poll in a tight loop.
SHORTEST_LONG_POLL = 0.5
# The least time between two polls of a run whose progress moves fast.
SHORTEST_INTERVAL = 0.1
FIRST_INTERVAL, GROWTH, LONGEST_INTERVAL = 1.0, 1.5, 5.0


def wait_for(
    retrieve: Operation[Run],
    run_id: str,
    config: Config,
    clock: Clock,
    *,
    timeout: float | None,
    poll_interval: float | None,
    on_progress: Callable[[Run], object] | None,
    raise_on_failure: bool,
) -> Steps[Run]:
    """Poll a run until it has ended, and report every change; see ``Runs.wait``."""
    deadline = math.inf if timeout is None else clock.monotonic() + timeout
    # Errors are counted here, over all polls, so a single poll does not retry.
    config = replace(config, max_retries=0)
    run: Run | None = None
    etag: str | None = None
    interval = poll_interval or FIRST_INTERVAL
    outage = Outage(run_id, clock)
    # The first poll is a short one, so that the caller gets the present state at once.
    long_poll = 0
    while True:
        began = clock.monotonic()
        try:
            response = yield from exchange(_poll(retrieve, long_poll, etag, config), config, clock)
        except (APIConnectionError, APIStatusError) as error:
            wait = outage.wait_after(error, since=began)
        else:
            outage.is_over()
            elapsed = clock.monotonic() - began
            changed = response.status_code != 304
            if changed:
                previous, run = run, response.parse()
                etag = response.headers.get("etag")
                if on_progress and previous != run:
                    yield Callback(on_progress, run)
                if _has_ended(run):
                    if raise_on_failure and run.status != "completed":
                        raise RunFailedError(run)
                    return run
            supported = "wait" in response.headers.get("preference-applied", "")
            if long_poll == 0 or (supported and (changed or elapsed >= SHORTEST_LONG_POLL)):
                wait = max(0.0, SHORTEST_INTERVAL - elapsed)
            else:
                wait = server_wait(response.headers, clock.now()) or interval
                if poll_interval is None:
                    interval = min(interval * GROWTH, LONGEST_INTERVAL)
        remaining = deadline - clock.monotonic()
        if timeout is not None and remaining <= 0:
            raise WaitTimeout(run_id, timeout, run)
        if remaining < 1:
            # Too short for a long poll: poll once more when the time is up.
            wait = remaining
        if wait:
            yield Sleep(min(wait, remaining))
        long_poll = max(0, int(min(LONG_POLL, deadline - clock.monotonic())))


def _poll(retrieve: Operation[Run], long_poll: int, etag: str | None, config: Config) -> Operation[Run]:
    headers: dict[str, str] = {}
    if long_poll:
        headers["prefer"] = f"wait={long_poll}"
    if etag:
        headers["if-none-match"] = etag
    merged: Headers = {**headers, **retrieve.options.get("extra_headers", {})}
    options = WriteOptions(**retrieve.options)
    options["extra_headers"], options["timeout"] = merged, with_longer_read(config.timeout, long_poll)
    return replace(retrieve, options=options)


def _has_ended(run: Run) -> bool:
    if run.status in ("completed", "failed"):
        return True
    # An unknown status is final if the server says when the run ended.
    return run.status not in ("pending", "running") and run.completed_at is not None
