"""What an engine has in hand for a run, and what becomes of that when the run is let go of."""

import logging
from dataclasses import replace
from enum import Enum, auto

from terrarium_server import runs
from terrarium_server.engines import Engine, Ticket
from terrarium_server.runs import Run
from terrarium_server.store import Transaction

from . import _submissions as submissions
from ._submissions import State, Submission
from ._writes import Writes

_log = logging.getLogger(__name__)


class Stop(Enum):
    """Why an execution is stopped: it has the run no more, or its worker is about to end."""

    GONE = auto()
    DRAINING = auto()


class InHand:
    """Nothing at first; then an engine, the row of the submission if there is one, and a ticket."""

    def __init__(self, writes: Writes, run: Run) -> None:
        self._writes = writes
        self._run = run
        self.engine: Engine | None = None
        self.submission: Submission | None = None
        self.ticket: Ticket | None = None
        # The engine has told the end of what it had in hand.
        self.has_ended = False
        # A provider may have been paid for what nobody will ever see: no second one is.
        self.is_uncertain = False

    @property
    def drain_seconds(self) -> float | None:
        """How long a draining worker should wait for it: None for free work, nought if others can go on."""
        if self.engine is None or self.engine.repeatable:
            return None
        return self.engine.longest_silence if self._is_only_mine else 0.0

    @property
    def _is_only_mine(self) -> bool:
        """Whether something was submitted that nobody else can wait for."""
        submission = self.submission
        return submission is not None and submission.is_live and submission.followers == "worker"

    def conclude_in(self, tx: Transaction) -> None:
        """Note what became of it, where its run ends or goes to another model.

        What did not end at its engine stays noted as live, and is cancelled there.
        """
        if self.submission is None:
            return
        if self.has_ended:
            submissions.conclude(tx, self.submission, "over")
        elif self.is_uncertain:
            submissions.give_up(tx, self.submission)

    async def conclude(self, state: State) -> None:
        """Note what became of it, whoever has the run by now."""
        submission = self.submission
        if submission is not None:
            await self._writes.anyway(lambda tx: submissions.conclude(tx, submission, state))
            self.submission = replace(submission, state=state)

    async def cancel(self) -> None:
        """Tell the engine to stop it, if it has not ended. Whoever calls knows that nobody waits for it."""
        if self.ticket is None or self.engine is None:
            return
        ticket, self.ticket = self.ticket, None
        if self.has_ended:
            await self.conclude("over")
            return
        try:
            await self.engine.cancel(ticket)
        except Exception:
            # It stays noted as open, and is tried again from there.
            _log.exception("run %s could not be stopped at %s", self._run.run_id, self.engine.name)
            return
        await self.conclude("cancelled")

    async def let_go(self, reason: Stop) -> None:
        """See to it, now that this worker has the run no more or is about to end."""
        if reason is Stop.DRAINING:
            await self._hand_back()
            return
        now = await self._writes.anyway(lambda tx: runs.read_run(tx, self._run.run_id))
        submission = self.submission
        if now.is_over or submission is None or submission.followers == "worker":
            await self.cancel()

    async def _hand_back(self) -> None:
        if self._is_only_mine:
            # Nobody can go on with it; whoever takes it over says so.
            return
        if self.submission is not None and self.submission.is_live:
            await self._writes.under_lease(lambda tx: runs.leave(tx, self._run))
            return
        await self._writes.under_lease(lambda tx: runs.requeue(tx, self._run))
        await self.cancel()
