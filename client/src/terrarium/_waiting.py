"""Waiting for a run: long polls where the server holds them, polite polling where it does not."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import httpx

from ._config import Config, Headers
from ._errors import APIConnectionError, APIStatusError, RunFailedError, WaitTimeout
from ._exchange import exchange, log
from ._operation import Operation, Sleep, Steps, Tell, WriteOptions
from ._pace import Pace
from ._retry import pause, server_wait, worth_retrying
from ._wire import Run

# Seconds. A held answer is asked for this long (proxies commonly cut at 30 or 60) …
HOLD = 25
# … and must take this long to count as held when nothing has changed, or we would spin.
HELD_AT_LEAST = 0.5
# Between two looks at a run whose progress moves fast.
SPACING = 0.1
FIRST_INTERVAL, GROWTH, LONGEST_INTERVAL = 1.0, 1.5, 5.0
# A run survives its server's restart, so waiting for it does too.
GRACE = 60.0


def wait_for(
    look: Operation[Run],
    run_id: str,
    config: Config,
    pace: Pace,
    *,
    timeout: float | None,
    poll_interval: float | None,
    on_progress: Callable[[Run], object] | None,
    raise_on_failure: bool,
) -> Steps[Run]:
    """Look at a run until it is over, telling of every change."""
    deadline = math.inf if timeout is None else pace.monotonic() + timeout
    # Trouble is counted and waited out here, over many looks, rather than inside one.
    config = replace(config, max_retries=0)
    run: Run | None = None
    etag: str | None = None
    interval = poll_interval or FIRST_INTERVAL
    failures, failing_since = 0, 0.0
    # The first look asks for no hold, so that the caller learns the present state at once.
    hold = 0
    while True:
        asked = pace.monotonic()
        try:
            response = yield from exchange(_held(look, hold, etag, config), config, pace)
        except (APIConnectionError, APIStatusError) as trouble:
            failing_since = failing_since if failures else asked
            told = _headers(trouble)
            if not _passing(trouble) or pace.monotonic() - failing_since > GRACE:
                raise
            rest = pause(failures, told, now=pace.now(), chance=pace.chance())
            failures += 1
            log.info("Waiting for %s: %s; again in %.2f s", run_id, trouble, rest)
        else:
            failures = 0
            took = pace.monotonic() - asked
            changed = response.status_code != 304
            if changed:
                before, run = run, response.parse()
                etag = response.headers.get("etag")
                if on_progress and (before is None or _seen(before) != _seen(run)):
                    yield Tell(on_progress, run)
                if _over(run):
                    if raise_on_failure and run.status != "completed":
                        raise RunFailedError(run)
                    return run
            held = "wait" in response.headers.get("preference-applied", "")
            if hold == 0 or (held and (changed or took >= HELD_AT_LEAST)):
                rest = max(0.0, SPACING - took)
            else:
                rest = server_wait(response.headers, pace.now()) or interval
                if poll_interval is None:
                    interval = min(interval * GROWTH, LONGEST_INTERVAL)
        left = deadline - pace.monotonic()
        if timeout is not None and left <= 0:
            raise WaitTimeout(run_id, timeout, run)
        if left < 1:
            # Too short to be held for: one look more, when the time is up.
            rest = left
        if rest:
            yield Sleep(min(rest, left))
        hold = max(0, int(min(HOLD, deadline - pace.monotonic())))


def _held(look: Operation[Run], hold: int, etag: str | None, config: Config) -> Operation[Run]:
    headers: dict[str, str] = {}
    if hold:
        headers["prefer"] = f"wait={hold}"
    if etag:
        headers["if-none-match"] = etag
    merged: Headers = {**headers, **look.options.get("extra_headers", {})}
    timeout = config.timeout
    if timeout is not None:
        timeout = httpx.Timeout(timeout)
        if timeout.read is not None:
            timeout = httpx.Timeout(
                connect=timeout.connect, write=timeout.write, pool=timeout.pool, read=timeout.read + hold
            )
    options = WriteOptions(**look.options)
    options["extra_headers"], options["timeout"] = merged, timeout
    return replace(look, options=options)


def _over(run: Run) -> bool:
    if run.status in ("completed", "failed"):
        return True
    # A state that we have not heard of is final when the server says when the run ended.
    return run.status not in ("pending", "running") and run.completed_at is not None


def _seen(run: Run) -> tuple[object, ...]:
    return run.status, run.progress, run.model_extra


def _headers(trouble: APIConnectionError | APIStatusError) -> Mapping[str, str] | None:
    return trouble.response.headers if isinstance(trouble, APIStatusError) else None


def _passing(trouble: APIConnectionError | APIStatusError) -> bool:
    if isinstance(trouble, APIStatusError):
        return worth_retrying(trouble.status_code, trouble.response.headers)
    return True
