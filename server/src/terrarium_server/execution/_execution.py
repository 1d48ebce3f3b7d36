"""One run, from its claim to its end: a coroutine that can start at any recorded state.

    inputs → mark → submit → ticket → follow → store → settle

Its decisions are recorded in rows: the claim that follows a crash reads the last submission and continues
from there. A repeatable engine has no submission rows, and its run starts again.
"""

import asyncio
import logging
import math
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace

from terrarium_server import events, runs, settlement
from terrarium_server.engines import (
    CODES,
    Engine,
    Failed,
    Finished,
    Job,
    Lost,
    Mark,
    Progress,
    Refused,
    Ticket,
)
from terrarium_server.media import FetchError
from terrarium_server.runs import Run, RunOutcome
from terrarium_server.store import Transaction

from . import _submissions as submissions
from ._active_job import ActiveJob, StopReason
from ._capacity import EngineCapacity, TooManyFetches
from ._context import Context
from ._job import find_model, open_job
from ._lease import Lease
from ._outputs import check_result, store_outputs
from ._process import this_process
from ._progress import ProgressWriter
from ._recovery import Recovery
from ._submissions import Submission
from ._writes import NotHeld, Writes, uninterrupted

_log = logging.getLogger(__name__)

_MOST_DEATHS = 5
# How often a busy provider may refuse a run, and the longest delay before the next try.
_MOST_REFUSALS = 3
_LONGEST_DELAY = 600.0
# How long a run is postponed when too many others of its engine are fetching their media.
_FETCH_DELAY_MS = 2000
_BUSY = "GENERATION_QUEUE_TOO_LARGE"

_INTERNAL_ERROR = Failed("SERVER_ERROR", "The server failed to execute this run; start it again.")
_LOST = Failed("GENERATION_NO_RESULT", "The engine lost this job; start the run again.")
_WORKER_GONE = Failed(
    "SERVER_ERROR",
    "The worker that waited for the provider's answer has ended; the provider may have charged for this run. "
    "Start it again.",
)


class Execution:
    """The execution of a run under one claim of this worker."""

    def __init__(
        self,
        context: Context,
        lease: Lease,
        progress: ProgressWriter,
        writes: Writes,
        capacity: EngineCapacity,
        run: Run,
    ) -> None:
        self.run = run
        self._context = context
        self._lease = lease
        self._progress = progress
        self._writes = writes
        self._capacity = capacity
        self._task: asyncio.Task[None] | None = None
        self._stop_reason: StopReason | None = None
        self._job = ActiveJob(writes, run)
        self._number = 1

    def start(self, done: Callable[["Execution"], None], *, after: "Execution | None") -> None:
        """Start; ``done`` is called at the end, whatever the outcome.

        ``after`` is the execution of the same run under an older claim, which may not have ended yet: two of
        them must never call an engine at the same time.
        """
        earlier = after._task if after is not None else None
        self._task = asyncio.create_task(self._run_to_end(earlier), name=self.run.run_id)
        self._task.add_done_callback(lambda _: done(self))

    def stop(self, reason: StopReason) -> None:
        """Stop between two steps; a step that must not be interrupted is finished first."""
        if self._stop_reason is None and self._task is not None:
            self._stop_reason = reason
            self._task.cancel()

    @property
    def is_stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stop_reason is not None

    @property
    def drain_seconds(self) -> float | None:
        """How long a draining worker should wait for it: None for free work, 0 if others can continue it."""
        return self._job.drain_seconds

    async def _run_to_end(self, earlier: asyncio.Task[None] | None) -> None:
        try:
            try:
                if earlier is not None:
                    # Uninterrupted, because an execution under a newer claim waits only for this one.
                    await uninterrupted(asyncio.wait([earlier]))
                await self._execute()
            except NotHeld:
                raise
            except Exception:
                _log.exception("run %s failed inside the server", self.run.run_id)
                await self._fail(_INTERNAL_ERROR)
        except (asyncio.CancelledError, NotHeld):
            await uninterrupted(self._job.release(self._stop_reason or StopReason.NOT_HELD))
        except Exception:
            _log.exception("run %s could not be ended; it will be claimed again", self.run.run_id)
        finally:
            self._progress.forget(self.run.run_id)

    async def _execute(self) -> None:
        if self.run.attempts >= _MOST_DEATHS:
            message = (
                f"Gave up after {_MOST_DEATHS} attempts: each time the worker died. Try a smaller request."
            )
            await self._fail(Failed("SERVER_ERROR", message))
            return
        is_refused = False
        try:
            result = await self._generate()
        except Refused as refused:
            result, is_refused = refused.failure, True
        except FetchError as error:
            result = Failed("GENERATION_INVALID_URL", str(error))
        except TooManyFetches:
            # It must not occupy capacity that other runs could use.
            await uninterrupted(self._writes.under_lease(lambda tx: self._queue_later(tx, _FETCH_DELAY_MS)))
            return
        if isinstance(result, Finished):
            unusable = await uninterrupted(self._complete(result))
            if unusable is None:
                return
            result = unusable
        # A busy provider has started nothing, also when it reports that as the failure of a job.
        busy = is_refused or result.code == _BUSY
        if busy and result.retry_after is not None and await self._postpone(result.retry_after):
            return
        if not await self._fall_back(result):
            await self._fail(result)

    # -- generating -------------------------------------------------------------------------------------

    async def _generate(self) -> Finished | Failed:
        """Continue from the last submission, or start. Raises Refused, FetchError, TooManyFetches."""
        run_id = self.run.run_id
        last = None
        if self.run.claim > 1:
            last = await self._writes.under_lease(lambda tx: submissions.latest(tx, run_id))
        # A live job of an earlier model is cancelled after the run has ended.
        if last is not None and last.model == self.run.model and not last.was_never_made:
            result = await self._resume(last)
            if result is not None:
                return result
        model = find_model(self._context, self.run.model)
        if isinstance(model, Failed):
            return model
        card, engine = model
        self._number = number = last.number + 1 if last is not None else 1
        # Each submission has its own key, so that the traces of an earlier one are not taken for this one's.
        key = f"{run_id}.{self.run.claim if engine.repeatable else number}"
        async with open_job(self._context, self._writes, self._capacity, self.run, card, key) as job:
            result = await self._submit_and_follow(engine, job, number)
            if isinstance(result, Lost) and engine.repeatable:
                result = await self._submit_and_follow(engine, job, number)
        return _LOST if isinstance(result, Lost) else result

    async def _resume(self, last: Submission) -> Finished | Failed | None:
        """Follow the last submission; None if it never reached the engine and has to be made again."""
        engine, active = self._context.engines.get(last.engine), self._job
        if engine is None:
            # Only a worker that has this engine can continue the run.
            await self._writes.under_lease(lambda tx: runs.leave(tx, self.run))
            raise NotHeld
        active.engine, active.submission = engine, last
        if last.state == "marked":
            ticket_or_failure = await Recovery(self._context, self._writes, engine, last).result()
            if ticket_or_failure is None:
                active.submission = None
                return None
            if isinstance(ticket_or_failure, Failed):
                active.is_uncertain = True
                return ticket_or_failure
            active.submission = last = replace(last, state="open", ticket=ticket_or_failure)
        if last.ticket is None or not (last.is_live and last.can_be_followed_by(self._context.worker_id)):
            active.is_uncertain = True
            return _WORKER_GONE
        active.ticket = ticket = Ticket(last.ticket)
        result = await self._follow(engine, ticket)
        return _LOST if isinstance(result, Lost) else result

    async def _submit_and_follow(self, engine: Engine, job: Job, number: int) -> Finished | Failed | Lost:
        """Submit a job and follow it to its end. Raises Refused."""
        active = self._job
        active.engine, active.ticket, active.has_ended = engine, None, False
        while active.ticket is None:
            mark = await engine.prepare(job)
            await self._writes.lease_held()
            await uninterrupted(self._submit(engine, job, mark, number))
            self._number = number = number + 1
        return await self._follow(engine, active.ticket)

    async def _submit(self, engine: Engine, job: Job, mark: Mark, number: int) -> None:
        """Record the mark, submit, record the ticket. Leaves no ticket if the lease ended before the call."""
        if engine.repeatable:
            self._job.ticket = await engine.submit(job, mark)
            return
        run, active = self.run, self._job
        followers, process = engine.followers(mark), this_process()

        def write_mark(tx: Transaction) -> Submission | None:
            held = submissions.mark(
                tx,
                run,
                number=number,
                engine=engine.name,
                key=job.key,
                mark=mark,
                followers=followers,
                process=process,
            )
            if not held:
                # An earlier try may have been committed. The worker that has the run now waits until it is
                # withdrawn.
                submissions.withdraw(tx, run.run_id, number, process=process)
            return submissions.latest(tx, run.run_id) if held else None

        active.submission = await self._writes.under_lease(write_mark)
        if active.submission is None:
            raise NotHeld
        if not self._lease.is_held:
            # This process was suspended for so long that another worker may have taken over. That one waits
            # until this submission is declared void.
            await active.conclude("void")
            active.submission = None
            return
        try:
            ticket = await engine.submit(job, mark)
        except Refused:
            await active.conclude("refused")
            raise
        active.ticket = ticket
        await self._writes.without_lease(lambda tx: submissions.record_ticket(tx, run.run_id, number, ticket))

    async def _follow(self, engine: Engine, ticket: Ticket) -> Finished | Failed | Lost:
        silence = engine.longest_silence if math.isfinite(engine.longest_silence) else None
        limit = self._context.time.limit(silence)
        async with aclosing(engine.follow(ticket)) as events:
            try:
                async with limit:
                    while isinstance(event := await anext(events), Progress):
                        limit.restart()
                        self._progress.note(self.run, event)
            except TimeoutError:
                if not limit.is_expired:
                    raise
                return Failed(
                    "GENERATION_PROVIDER_TIMEOUT",
                    f"The provider sent no news of this job for {silence:.0f} s; start the run again.",
                )
        self._job.has_ended = True
        return event

    # -- ending -----------------------------------------------------------------------------------------

    async def _complete(self, result: Finished) -> Failed | None:
        """Store the outputs and complete the run; if they cannot be used, return the failure instead."""
        unusable = await check_result(self.run, result)
        if unusable is not None:
            return unusable
        outputs = await store_outputs(self._context.blobs, self.run, result.outputs)
        await self._end(lambda tx: settlement.complete(tx, self.run, outputs))
        return None

    async def _fail(self, failed: Failed) -> None:
        outcome = RunOutcome(failed.code, failed.message)
        if self.run.fallback is not None:
            # The caller chose the first model, so its failure is the one that the caller can act on.
            first_failure = self.run.fallback
            outcome = RunOutcome(first_failure["error_code"], first_failure["error_message"])
        await uninterrupted(self._end(lambda tx: settlement.fail(tx, self.run, outcome)))

    async def _end(self, settle: Callable[[Transaction], bool]) -> None:
        """End the run, or requeue it for another model."""

        def work(tx: Transaction) -> bool:
            settled = settle(tx)
            if settled:
                self._job.conclude_in(tx)
            return settled

        if not await self._writes.under_lease(work):
            raise NotHeld
        if not self._job.has_ended:
            # Only after the write: a worker that lost the run would cancel a job that another one follows.
            await self._job.cancel()

    async def _postpone(self, retry_after: float) -> bool:
        """Requeue the run, to be tried after the busy provider's delay; False after too many refusals."""
        delay_ms = round(min(retry_after, _LONGEST_DELAY) * 1000)
        submission = self._job.submission

        def work(tx: Transaction) -> bool | None:
            if not runs.is_held(tx, self.run):
                return None
            if submission is None:
                submissions.note_refusal(tx, self.run, self._number, process=this_process())
            else:
                submissions.conclude(tx, submission, "refused")
            if submissions.count_refusals(tx, self.run) >= _MOST_REFUSALS:
                return False
            return self._queue_later(tx, delay_ms)

        postponed = await uninterrupted(self._writes.under_lease(work))
        if postponed is None:
            raise NotHeld
        return postponed

    def _queue_later(self, tx: Transaction, delay_ms: int) -> bool:
        postponed = runs.postpone(tx, self.run, delay_ms)
        if postponed:
            events.record(tx, [events.of_run(self.run, "run.queued", "pending")])
        return postponed

    async def _fall_back(self, failed: Failed) -> bool:
        """Requeue the run for the owner's fallback model, if there is one and another model may succeed."""
        fallback = self._context.fallback.get(self.run.subject)
        if fallback is None or self.run.fallback is not None or self._job.is_uncertain:
            return False
        if not CODES[failed.code].startswith("retry"):
            return False
        model = find_model(self._context, fallback)
        if isinstance(model, Failed):
            return False
        card, engine = model
        if len(self.run.prompt or "") > card.max_prompt:
            return False
        outcome = RunOutcome(failed.code, failed.message)
        subject = self.run.subject
        _log.warning("run %s: %s failed (%s), using %s", self.run.run_id, subject, failed.code, fallback)

        def requeue(tx: Transaction) -> bool:
            moved = runs.fall_back(tx, self.run, engine=engine.name, model=fallback, outcome=outcome)
            if moved:
                events.record(tx, [events.of_run(self.run, "run.queued", "pending")])
            return moved

        await uninterrupted(self._end(requeue))
        return True
