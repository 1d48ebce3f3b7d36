"""Waiting for a run: the preference ``wait`` of RFC 7240."""

import asyncio
import re
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated

from fastapi import Header

from terrarium_server import runs
from terrarium_server.accounts import Caller
from terrarium_server.store import Transaction

from ._context import RequestContext
from ._disconnection import client_left
from ._run_view import RunView, read_view, view_of

LONGEST_WAIT = 60
LONGEST_WAIT_ON_START = 30
# The place of a pending run in the queue is shown too, and no notification tells that it has changed.
_READ_AGAIN_SECONDS = 5.0
_BATCH_SECONDS = 0.25
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


async def await_change(
    context: RequestContext,
    run_id: str,
    seconds: int,
    is_news: Callable[[RunView], bool] | None = None,
) -> RunView:
    """Return a run once it is over, it ``is_news``, or the seconds are over, and at once if the server stops.

    Raises NotFound or Unauthorized. Waits outside of any transaction.
    """
    if not seconds:
        return await context.read(lambda tx, caller: read_view(tx, caller, run_id))
    feed = context.http.feed
    deadline = time.monotonic() + seconds
    leaving = asyncio.create_task(client_left(context.request.receive))
    try:
        while True:
            # This comes before the read; otherwise a change between read and wait would be missed.
            changed = feed.expect(run_id)
            leaving.add_done_callback(lambda _, changed=changed: changed.set())
            try:
                left = deadline - time.monotonic()
                is_last = left <= 0 or feed.is_closed or leaving.done()
                is_whole = is_last or is_news is not None
                view = await context.read(
                    lambda tx, caller, is_whole=is_whole: _read(tx, caller, run_id, is_whole=is_whole)
                )
                if view is not None:
                    if view.run.is_over or is_last or (is_news is not None and is_news(view)):
                        return view
                    if view.run.is_root:
                        # Its many runs change often, and each look reads all of them.
                        await asyncio.sleep(min(left, _BATCH_SECONDS))
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), min(left, _READ_AGAIN_SECONDS))
            finally:
                feed.forget(run_id, changed)
    finally:
        leaving.cancel()


def _read(tx: Transaction, caller: Caller, run_id: str, *, is_whole: bool) -> RunView | None:
    """Return a run, except for a batch that goes on only if it ``is_whole`` that the caller needs."""
    run = runs.find_run(tx, caller.workspace_id, run_id)
    return view_of(tx, run) if is_whole or run.is_over or not run.is_root else None
