"""Waiting for a run: the preference ``wait`` of RFC 7240."""

import asyncio
import re
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated

from fastapi import Header

from terrarium_server import assets, runs
from terrarium_server.accounts import Caller
from terrarium_server.assets import KeptOutput
from terrarium_server.runs import Run
from terrarium_server.store import Transaction

from ._context import RequestContext

LONGEST_WAIT = 60
LONGEST_WAIT_ON_START = 30
# Another process may have changed the run, and its signals do not reach this one.
_POLL_SECONDS = 0.5
_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d+)\"?(?:$|[,;\s])", re.IGNORECASE)

Wait = Annotated[
    str | None,
    Header(
        alias="prefer", description=f"`wait=N`: answer when the run is over, or after N (1–{LONGEST_WAIT}) s"
    ),
]
WaitOnStart = Annotated[
    str | None,
    Header(
        alias="prefer",
        description=f"`wait=N`: answer when the run is over, with it under `run`, or after N (1–"
        f"{LONGEST_WAIT_ON_START}) s without it",
    ),
]


def preferred_wait(prefer: str | None, longest: int) -> int | None:
    """Return how many seconds, at most ``longest``, a ``Prefer`` header asks to wait; None if it does not."""
    wait = _WAIT.search(prefer or "")
    if wait is None:
        return None
    # Python converts no numbers of thousands of digits.
    return longest if len(wait[1]) > 6 else min(int(wait[1]), longest)


def _nothing_is_news(_run: Run, _outputs: list[KeptOutput]) -> bool:
    return False


async def await_change(
    context: RequestContext,
    run_id: str,
    seconds: int,
    is_news: Callable[[Run, list[KeptOutput]], bool] = _nothing_is_news,
) -> tuple[Run, list[KeptOutput]]:
    """Return a run once it is over, it ``is_news``, or the seconds are over, and at once if the server stops.

    Raises NotFound or Unauthorized. Waits outside of any transaction.
    """
    signals = context.http.signals
    deadline = time.monotonic() + seconds
    while True:
        # This comes before the read; otherwise a change between read and wait would be missed.
        changed = signals.expect(run_id) if seconds else None
        try:
            run, outputs = await context.read(lambda tx, caller: _read(tx, caller, run_id))
            left = deadline - time.monotonic()
            if run.is_over or left <= 0 or changed is None or signals.is_closed or is_news(run, outputs):
                return run, outputs
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), min(left, _POLL_SECONDS))
            if await context.request.is_disconnected():
                return run, outputs
        finally:
            if changed is not None:
                signals.forget(run_id, changed)


def _read(tx: Transaction, caller: Caller, run_id: str) -> tuple[Run, list[KeptOutput]]:
    run = runs.find_run(tx, caller.workspace_id, run_id)
    return run, assets.outputs_of(tx, [run_id]).get(run_id, []) if run.state == "completed" else []
