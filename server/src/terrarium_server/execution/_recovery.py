"""Recovery of a submission without a recorded ticket: has the call reached the engine, or can it still?"""

import asyncio
import logging

from terrarium_server.engines import Engine, Failed, Mark, Ticket

from . import _submissions as submissions
from ._context import Context
from ._process import is_gone, this_process
from ._submissions import Submission
from ._writes import Writes

_log = logging.getLogger(__name__)

_POLL_SECONDS = 1.0
_LONGEST_WAIT = 600.0
_UNCERTAIN = Failed(
    "SERVER_ERROR",
    "The worker that submitted this run to its provider ended before the answer came, and the provider may "
    "have charged for it. Start it again.",
)


class Recovery:
    """Finds out what became of one submission that was in the state ``marked`` when this claim read it."""

    def __init__(self, context: Context, writes: Writes, engine: Engine, last: Submission) -> None:
        self._context = context
        self._writes = writes
        self._engine = engine
        self._last = last

    async def result(self) -> Ticket | Failed | None:
        """Return the submission's ticket; None if it certainly never reached the engine.

        That is certain only once the marking process cannot make the call any more: it has ended, or has
        recorded that it did not call. Until then this waits, as long as a call may take, for a ticket that
        the process may still record. A submission that is uncertain after that fails the run, so that nothing
        is paid for twice.
        """
        deadline = self._context.time.seconds + min(self._engine.longest_silence, _LONGEST_WAIT)
        while True:
            row = await self._writes.under_lease(lambda tx: submissions.latest(tx, self._last.run_id))
            assert row is not None, "nobody deletes the submissions of a run"
            if row.ticket is not None:
                return Ticket(row.ticket)
            if not row.is_live:
                return None if row.was_never_made else _UNCERTAIN
            # Checked before the engine is asked, which cannot know of a call that is made after its answer.
            can_still_call = not (
                self._context.single_process or is_gone(row.process) or row.process == this_process()
            )
            answer = await self._engine.find(Mark(row.mark))
            if isinstance(answer, str):
                await self._record(answer)
                return Ticket(answer)
            if not can_still_call and answer is None:
                _log.warning("run %s: submission %d never reached the engine", row.run_id, row.number)
                await self._writes.without_lease(lambda tx, row=row: submissions.conclude(tx, row, "void"))
                return None
            if not can_still_call or self._context.time.seconds > deadline:
                _log.warning("run %s: it is unknown what became of submission %d", row.run_id, row.number)
                return _UNCERTAIN
            await asyncio.sleep(_POLL_SECONDS)

    async def _record(self, ticket: str) -> None:
        run_id, number = self._last.run_id, self._last.number
        await self._writes.without_lease(lambda tx: submissions.record_ticket(tx, run_id, number, ticket))
