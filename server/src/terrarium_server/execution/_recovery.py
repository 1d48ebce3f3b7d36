"""A submission whose ticket was never heard of: did the call arrive, and can it still?"""

import asyncio
import logging

from terrarium_server.engines import Engine, Failed, Mark, Ticket

from . import _submissions as submissions
from ._context import Context
from ._process import is_gone, this_process
from ._submissions import Submission
from ._writes import Writes

_log = logging.getLogger(__name__)

_ASK_SECONDS = 1.0
_LONGEST_WAIT = 600.0
_NOBODY_KNOWS = Failed(
    "SERVER_ERROR",
    "The worker that handed this run to its provider ended before the answer came, and the provider may have "
    "charged for it. Start it once more.",
)


class Recovery:
    """Finds out about one submission that was only marked, and is so still as far as this claim knows."""

    def __init__(self, context: Context, writes: Writes, engine: Engine, last: Submission) -> None:
        self._context = context
        self._writes = writes
        self._engine = engine
        self._last = last

    async def result(self) -> Ticket | Failed | None:
        """Return the submission's ticket; None if it certainly never arrived.

        That is certain only once the process that was about to call can do so no more: it is gone, or it has
        noted that it did not. Until then a ticket that it notes late is waited for, as long as its call may
        take. What is still uncertain after that fails, and is not paid for twice; its end notes that.
        """
        until = self._context.time.seconds + min(self._engine.longest_silence, _LONGEST_WAIT)
        while True:
            row = await self._writes.under_lease(lambda tx: submissions.latest(tx, self._last.run_id))
            assert row is not None, "nobody deletes the submissions of a run"
            if row.ticket is not None:
                return Ticket(row.ticket)
            if not row.is_live:
                return None if row.was_never_made else _NOBODY_KNOWS
            # Asked before the engine is: what is called after that, the engine may not know yet.
            can_still_call = not (
                self._context.alone or is_gone(row.process) or row.process == this_process()
            )
            found = await self._engine.find(Mark(row.mark))
            if isinstance(found, str):
                await self._record(found)
                return Ticket(found)
            if not can_still_call and found is None:
                _log.warning("run %s: submission %d never arrived", row.run_id, row.number)
                await self._writes.anyway(lambda tx, row=row: submissions.conclude(tx, row, "void"))
                return None
            if not can_still_call or self._context.time.seconds > until:
                _log.warning("run %s: nobody knows of submission %d", row.run_id, row.number)
                return _NOBODY_KNOWS
            await asyncio.sleep(_ASK_SECONDS)

    async def _record(self, ticket: str) -> None:
        run_id, number = self._last.run_id, self._last.number
        await self._writes.anyway(lambda tx: submissions.record_ticket(tx, run_id, number, ticket))
