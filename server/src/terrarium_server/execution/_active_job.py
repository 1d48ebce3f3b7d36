"""The job that a run has at an engine, and what happens to it when this worker releases the run."""

import logging
from dataclasses import replace
from enum import Enum, auto

from terrarium_server import events, runs
from terrarium_server.engines import Engine, Ticket
from terrarium_server.runs import Run
from terrarium_server.store import Transaction

from . import _submissions as submissions
from ._submissions import State, Submission
from ._writes import Writes

_log = logging.getLogger(__name__)


class StopReason(Enum):
    """Why an execution is stopped: this worker does not hold the run any more, or it is shutting down."""

    NOT_HELD = auto()
    DRAINING = auto()


class ActiveJob:
    """Engine, submission row (none for a repeatable engine) and ticket of the job; each None until known."""

    def __init__(self, writes: Writes, run: Run) -> None:
        self._writes = writes
        self._run = run
        self.engine: Engine | None = None
        self.submission: Submission | None = None
        self.ticket: Ticket | None = None
        # The engine has reported the job's end.
        self.has_ended = False
        # A provider may have charged for a result that is lost, so no second provider is paid.
        self.is_uncertain = False

    @property
    def drain_seconds(self) -> float | None:
        """How long a draining worker should wait for it: None for free work, 0 if others can continue it."""
        if self.engine is None or self.engine.repeatable:
            return None
        return self.engine.longest_silence if self._needs_this_worker else 0.0

    @property
    def _needs_this_worker(self) -> bool:
        """Whether a job was submitted that no other worker can follow."""
        submission = self.submission
        return submission is not None and submission.is_live and submission.followers == "worker"

    def conclude_in(self, tx: Transaction) -> None:
        """Record the submission's final state, in the transaction that ends its run or changes its model.

        A job that has not ended at its engine stays recorded as live, and is cancelled later.
        """
        if self.submission is None:
            return
        if self.has_ended:
            submissions.conclude(tx, self.submission, "over")
        elif self.is_uncertain:
            submissions.give_up(tx, self.submission)

    async def conclude(self, state: State) -> None:
        """Record the submission's final state, whichever worker holds the run by now."""
        submission = self.submission
        if submission is not None:
            await self._writes.without_lease(lambda tx: submissions.conclude(tx, submission, state))
            self.submission = replace(submission, state=state)

    async def cancel(self) -> None:
        """Cancel the job at its engine if it has not ended. The caller knows that nobody follows it."""
        if self.ticket is None or self.engine is None:
            return
        ticket, self.ticket = self.ticket, None
        if self.has_ended:
            await self.conclude("over")
            return
        try:
            await self.engine.cancel(ticket)
        except Exception:
            # It stays recorded as open, so the periodic clean-up tries again.
            _log.exception(
                "the job of run %s could not be cancelled at %s", self._run.run_id, self.engine.name
            )
            return
        await self.conclude("cancelled")

    async def release(self, reason: StopReason) -> None:
        """Cancel the job or leave it to another worker, now that this one stops executing the run."""
        if reason is StopReason.DRAINING:
            await self._return_run()
            return
        current = await self._writes.without_lease(lambda tx: runs.read_run(tx, self._run.run_id))
        submission = self.submission
        if current.is_over or submission is None or submission.followers == "worker":
            await self.cancel()

    async def _return_run(self) -> None:
        if self._needs_this_worker:
            # No worker can continue it; the one that takes it over will fail it.
            return
        if self.submission is not None and self.submission.is_live:
            await self._writes.under_lease(lambda tx: runs.leave(tx, self._run))
            return
        await self._writes.under_lease(self._requeue)
        await self.cancel()

    def _requeue(self, tx: Transaction) -> None:
        if runs.requeue(tx, self._run):
            events.record(tx, [events.of_run(self._run, "run.queued", "pending")])
