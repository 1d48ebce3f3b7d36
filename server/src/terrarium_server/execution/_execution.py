"""One run, from its claim to its end: the coroutine that can be entered at any recorded state.

    inputs → mark → submit → ticket → follow → keep → settle

What it decides is in rows: a claim that is taken up after a crash finds the last submission and goes on from
there. Where submitting again costs nothing there is no submission, and it begins anew.
"""

import asyncio
import logging
import math
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from terrarium_server import runs, settlement
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
from ._context import Context
from ._in_hand import InHand, Stop
from ._job import find_model, open_job
from ._keep import keep_outputs
from ._lease import Lease
from ._places import NoRoom, Places
from ._process import this_process
from ._progress import ProgressWriter
from ._recovery import Recovery
from ._submissions import Submission
from ._writes import Writes, uninterrupted

_log = logging.getLogger(__name__)

_MOST_DEATHS = 5
# How often a provider that is busy is asked again, and how long a run waits for that at most.
_MOST_REFUSALS = 3
_LONGEST_DELAY = 600.0
# When a run comes back that found too many others waiting for their media.
_FETCH_DELAY_MS = 2000
_BUSY = "GENERATION_QUEUE_TOO_LARGE"

_FAILED_HERE = Failed("SERVER_ERROR", "The server could not carry this run out; try once more.")
_LOST = Failed("GENERATION_NO_RESULT", "The engine lost this job; try once more.")
_GONE_WITH_ITS_WORKER = Failed(
    "SERVER_ERROR",
    "The worker that was waiting for the provider's answer is gone; the provider may have charged for it. "
    "Start it once more.",
)


class NotHeld(Exception):
    """A write found that the run is over, or that another worker has it."""


class Execution:
    """A run under one claim of this worker."""

    def __init__(
        self,
        context: Context,
        lease: Lease,
        progress: ProgressWriter,
        writes: Writes,
        places: Places,
        run: Run,
    ) -> None:
        self.run = run
        self._context = context
        self._lease = lease
        self._progress = progress
        self._writes = writes
        self._places = places
        self._task: asyncio.Task[None] | None = None
        self._stop: Stop | None = None
        self._in_hand = InHand(writes, run)
        self._number = 1

    def start(self, done: Callable[["Execution"], None], *, after: "Execution | None") -> None:
        """Begin; ``done`` is called at the end, whatever it is.

        ``after`` is the same run's execution under an older claim, which may be winding up: at no moment may
        two of them talk to an engine.
        """
        earlier = after._task if after is not None else None
        self._task = asyncio.create_task(self._run_to_end(earlier), name=self.run.run_id)
        self._task.add_done_callback(lambda _: done(self))

    def stop(self, reason: Stop) -> None:
        """Stop between two steps; what must not be interrupted comes to its end before."""
        if self._stop is None and self._task is not None:
            self._stop = reason
            self._task.cancel()

    @property
    def is_stopped(self) -> bool:
        """Whether it was told to stop."""
        return self._stop is not None

    @property
    def drain_seconds(self) -> float | None:
        """How long a draining worker should wait for it: None for free work, nought if others can go on."""
        return self._in_hand.drain_seconds

    async def _run_to_end(self, earlier: asyncio.Task[None] | None) -> None:
        try:
            try:
                if earlier is not None:
                    # Also if this one is stopped meanwhile: the next one waits only for it.
                    await uninterrupted(asyncio.wait([earlier]))
                await self._execute()
            except NotHeld:
                raise
            except Exception:
                _log.exception("run %s failed inside the server", self.run.run_id)
                await self._fail(_FAILED_HERE)
        except (asyncio.CancelledError, NotHeld):
            await uninterrupted(self._in_hand.let_go(self._stop or Stop.GONE))
        except Exception:
            _log.exception("run %s could not be ended; it is taken up again", self.run.run_id)
        finally:
            self._progress.forget(self.run.run_id)
            self._context.signals.changed(self.run.run_id)

    async def _execute(self) -> None:
        if self.run.attempts >= _MOST_DEATHS:
            message = (
                f"Gave up after {_MOST_DEATHS} attempts: a worker ended each time. Try a smaller request."
            )
            await self._fail(Failed("SERVER_ERROR", message))
            return
        is_refused = False
        try:
            result = await self._make()
        except Refused as refused:
            result, is_refused = refused.failure, True
        except FetchError as error:
            result = Failed("GENERATION_INVALID_URL", str(error))
        except NoRoom:
            # It must not hold a place that others could have.
            work = partial(runs.postpone, run=self.run, delay_ms=_FETCH_DELAY_MS)
            await uninterrupted(self._writes.under_lease(work))
            return
        if isinstance(result, Finished):
            await uninterrupted(self._complete(result))
            return
        # A provider that is busy starts nothing, also where it says so only to the call itself.
        busy = is_refused or result.code == _BUSY
        if busy and result.retry_after is not None and await self._postpone(result.retry_after):
            return
        if not await self._fall_back(result):
            await self._fail(result)

    # -- making -----------------------------------------------------------------------------------------

    async def _make(self) -> Finished | Failed:
        """Go on where the last submission stands, or begin. Raises Refused or FetchError."""
        run_id = self.run.run_id
        last = None
        if self.run.claim > 1:
            last = await self._writes.under_lease(lambda tx: submissions.latest(tx, run_id))
        # What an earlier model has in hand is cancelled when the run is over.
        if last is not None and last.model == self.run.model and not last.was_never_made:
            result = await self._go_on(last)
            if result is not None:
                return result
        model = find_model(self._context, self.run.model)
        if isinstance(model, Failed):
            return model
        card, engine = model
        self._number = number = last.number + 1 if last is not None else 1
        # A key of its own for each submission: what an earlier one left behind is not taken for this one.
        key = f"{run_id}.{self.run.claim if engine.repeatable else number}"
        async with open_job(self._context, self._writes, self._places, self.run, card, key) as job:
            result = await self._submitted(engine, job, number)
            if isinstance(result, Lost) and engine.repeatable:
                result = await self._submitted(engine, job, number)
        return _LOST if isinstance(result, Lost) else result

    async def _go_on(self, last: Submission) -> Finished | Failed | None:
        """Follow what was submitted before; None if it was certainly not, so that it has to be."""
        engine, in_hand = self._context.engines.get(last.engine), self._in_hand
        if engine is None:
            # Somebody else has it; this worker should not have been given the run.
            await self._writes.under_lease(lambda tx: runs.leave(tx, self.run))
            raise NotHeld
        in_hand.engine, in_hand.submission = engine, last
        if last.state == "marked":
            found = await Recovery(self._context, self._writes, engine, last).result()
            if found is None:
                in_hand.submission = None
                return None
            if isinstance(found, Failed):
                in_hand.is_uncertain = True
                return found
            in_hand.submission = last = replace(last, state="open", ticket=found)
        if last.ticket is None or not (last.is_live and last.can_be_followed_by(self._context.worker_id)):
            in_hand.is_uncertain = True
            return _GONE_WITH_ITS_WORKER
        in_hand.ticket = ticket = Ticket(last.ticket)
        result = await self._followed(engine, ticket)
        return _LOST if isinstance(result, Lost) else result

    async def _submitted(self, engine: Engine, job: Job, number: int) -> Finished | Failed | Lost:
        """Submit a job and follow it to its end. Raises Refused."""
        in_hand = self._in_hand
        in_hand.engine, in_hand.ticket, in_hand.has_ended = engine, None, False
        while in_hand.ticket is None:
            mark = await engine.prepare(job)
            await self._writes.lease_held()
            await uninterrupted(self._submit(engine, job, mark, number))
            self._number = number = number + 1
        return await self._followed(engine, in_hand.ticket)

    async def _submit(self, engine: Engine, job: Job, mark: Mark, number: int) -> None:
        """Mark, call, note the ticket; without a ticket, the lease was missed before the call."""
        if engine.repeatable:
            self._in_hand.ticket = await engine.submit(job, mark)
            return
        run, in_hand = self.run, self._in_hand
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
                # An earlier try may have arrived, and whoever has the run now waits for this word.
                submissions.withdraw(tx, run.run_id, number, process=process)
            return submissions.latest(tx, run.run_id) if held else None

        in_hand.submission = await self._writes.under_lease(write_mark)
        if in_hand.submission is None:
            raise NotHeld
        if not self._lease.is_held:
            # Stopped for so long that another worker may have taken over, which waits for this word.
            await in_hand.conclude("void")
            in_hand.submission = None
            return
        try:
            ticket = await engine.submit(job, mark)
        except Refused:
            await in_hand.conclude("refused")
            raise
        in_hand.ticket = ticket
        await self._writes.anyway(lambda tx: submissions.record_ticket(tx, run.run_id, number, ticket))

    async def _followed(self, engine: Engine, ticket: Ticket) -> Finished | Failed | Lost:
        silence = engine.longest_silence if math.isfinite(engine.longest_silence) else None
        limit = self._context.time.limit(silence)
        async with aclosing(engine.follow(ticket)) as news:
            try:
                async with limit:
                    while isinstance(heard := await anext(news), Progress):
                        limit.restart()
                        self._progress.note(self.run, heard)
            except TimeoutError:
                if not limit.is_expired:
                    raise
                return Failed(
                    "GENERATION_PROVIDER_TIMEOUT",
                    f"Nothing was heard of this for {silence:.0f} s; try once more.",
                )
        self._in_hand.has_ended = True
        return heard

    # -- ending -----------------------------------------------------------------------------------------

    async def _complete(self, result: Finished) -> None:
        kept = await keep_outputs(self._context.blobs, self.run, result.outputs)
        await self._end(lambda tx: settlement.complete(tx, self.run, kept))

    async def _fail(self, failed: Failed) -> None:
        outcome = RunOutcome(failed.code, failed.message)
        if self.run.fallback is not None:
            # What the model said that was asked for is what the caller can do something about.
            first = self.run.fallback
            outcome = RunOutcome(first["error_code"], first["error_message"])
        await uninterrupted(self._end(lambda tx: settlement.fail(tx, self.run, outcome)))

    async def _end(self, settle: Callable[[Transaction], bool]) -> None:
        """End the run, or put it back for another model."""

        def work(tx: Transaction) -> bool:
            settled = settle(tx)
            if settled:
                self._in_hand.conclude_in(tx)
            return settled

        if not await self._writes.under_lease(work):
            raise NotHeld
        if not self._in_hand.has_ended:
            # Not before: whoever lost the run would stop what another worker waits for.
            await self._in_hand.cancel()

    async def _postpone(self, retry_after: float) -> bool:
        """Put the run back until a busy provider wants to be asked again; False after too many tries."""
        delay_ms = round(min(retry_after, _LONGEST_DELAY) * 1000)
        submission = self._in_hand.submission

        def work(tx: Transaction) -> bool | None:
            if not runs.is_held(tx, self.run):
                return None
            if submission is None:
                submissions.note_refusal(tx, self.run, self._number, process=this_process())
            else:
                submissions.conclude(tx, submission, "refused")
            if submissions.count_refusals(tx, self.run) >= _MOST_REFUSALS:
                return False
            return runs.postpone(tx, self.run, delay_ms)

        postponed = await uninterrupted(self._writes.under_lease(work))
        if postponed is None:
            raise NotHeld
        return postponed

    async def _fall_back(self, failed: Failed) -> bool:
        """Put the run back for the owner's second choice, if there is one and it could do better."""
        other = self._context.fallback.get(self.run.subject)
        if other is None or self.run.fallback is not None or self._in_hand.is_uncertain:
            return False
        if not CODES[failed.code].startswith("retry"):
            return False
        model = find_model(self._context, other)
        if isinstance(model, Failed):
            return False
        _, engine = model
        outcome = RunOutcome(failed.code, failed.message)
        subject = self.run.subject
        _log.warning("run %s: %s failed (%s); %s makes it", self.run.run_id, subject, failed.code, other)
        work = partial(runs.fall_back, run=self.run, engine=engine.name, model=other, outcome=outcome)
        await uninterrupted(self._end(work))
        return True
