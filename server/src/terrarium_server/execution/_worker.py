"""A worker: claims runs, executes each in a coroutine of its own, and takes over what others left."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from terrarium_server import runs
from terrarium_server.runs import Run
from terrarium_server.store import UNAVAILABLE

from ._abandoned import Abandoned
from ._context import Context
from ._execution import Execution, Stop
from ._lease import Lease, Renewal, clock_seconds
from ._places import Places
from ._progress import ProgressWriter
from ._writes import Writes

_log = logging.getLogger(__name__)

# How long a run that another process admitted may wait unseen; this process wakes its worker.
_POLL_SECONDS = 0.5
_CHORES_SECONDS = 60.0
# What a dead process left at a provider may cost money every second.
_FIRST_CHORES_SECONDS = 2.0
_DRAIN_LOOK_SECONDS = 0.02
# A database that is away must not hold up a stop for longer.
_HAND_BACK_SECONDS = 5.0
# One claim takes no more, so that other workers find something too.
_MOST_AT_ONCE = 32

Chore = Callable[[], Awaitable[None]]


class Worker:
    """Works on one loop. ``capacity`` bounds the runs that it has at the same time."""

    def __init__(
        self, context: Context, lease: Lease, *, capacity: int, chores: Sequence[Chore] = ()
    ) -> None:
        """Prepare; `work` begins. ``chores`` are done each minute, beside each other."""
        self._context = context
        self._lease = lease
        self._capacity = capacity
        self._chores = chores
        self.writes = Writes(context.database, lease)
        self._progress = ProgressWriter(context)
        self._abandoned = Abandoned(context, lease, self.writes)
        self._executions: dict[str, Execution] = {}
        self._places = Places(context.engines, capacity, self.wake)
        self._woken = asyncio.Event()
        # Held while runs are on their way from the database into `_executions`.
        self._taking = asyncio.Lock()
        self._accepting = True
        self._is_current = True
        self._seen_dropped: dict[str, int] = {}
        self._looked_for_postponed = 0.0

    @property
    def ticked_at(self) -> float:
        """When the loop was last known to turn, by `clock_seconds`."""
        return self._context.time.ticked_at

    def wake(self) -> None:
        """Look for ready runs now."""
        self._woken.set()

    def stop_run(self, run_id: str) -> None:
        """Stop a run that somebody has ended in the database."""
        if (execution := self._executions.get(run_id)) is not None:
            execution.stop(Stop.GONE)

    def claims(self) -> dict[str, int]:
        """Return the runs in hand with the numbers of their claims; may be called from any thread."""
        return {run_id: execution.run.claim for run_id, execution in self._executions.copy().items()}

    async def work(self) -> None:
        """Claim and execute until cancelled; `drain` before that."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tick_forever())
            group.create_task(self._progress.write_forever())
            group.create_task(self._claim_forever())
            for chore in (self._see_to_leftovers, *self._chores):
                group.create_task(self._do_each_minute(chore))

    async def claim(self) -> bool:
        """Claim what there is room for; return whether there may be more at once."""
        async with self._taking:
            return await self._claim()

    async def _claim(self) -> bool:
        if not (self._accepting and self._is_current and self._lease.is_held):
            return False
        room = self._places.room()
        count = min(_MOST_AT_ONCE, self._capacity - len(self._executions))
        if count <= 0 or not room:
            return False
        worker_id = self._context.worker_id
        claimed = await self._context.database.write_for_worker(
            lambda tx: runs.claim(tx, worker_id, count, room)
        )
        for run in claimed:
            self._context.signals.changed(run.run_id)
            self._begin(run)
        return len(claimed) == count

    async def renewed(self, renewal: Renewal, before: dict[str, int]) -> None:
        """Compare what the database says with what was in hand ``before`` it was asked."""
        for run_id, claim in before.items():
            execution = self._executions.get(run_id)
            if execution is not None and execution.run.claim == claim != renewal.held.get(run_id):
                execution.stop(Stop.GONE)
        if self._is_current and not renewal.is_current:
            _log.error("a newer version has upgraded the database; this worker claims nothing more")
        self._is_current = renewal.is_current
        dropped = {run_id: claim for run_id, claim in renewal.held.items() if run_id not in self._executions}
        # Seen twice, because a run that was just claimed is on its way for a moment.
        again = [run_id for run_id, claim in dropped.items() if self._seen_dropped.get(run_id) == claim]
        self._seen_dropped = dropped
        async with self._taking:
            if self._accepting and self._is_current:
                async for run in self._abandoned.take_over(dropped=again, busy=self.claims()):
                    self._begin(run)
        self.wake()

    async def drain(self, seconds: float, hurry: asyncio.Event) -> None:
        """Claim nothing more and let go of everything in hand.

        Free work gets so many ``seconds``, a call that only this process can wait for as long as its engine
        says, and what others can go on with is handed back at once. ``hurry`` ends all waiting. A pause of
        this process ends none.
        """
        time = self._context.time
        self._accepting = False
        with suppress(TimeoutError):
            async with time.limit(_HAND_BACK_SECONDS), self._taking:
                pass
        calls = [one.drain_seconds for one in self._executions.values() if one.drain_seconds]
        if calls:
            message = (
                "waiting up to %.0f s for %d paid calls that nobody else can wait for; stop again to leave"
            )
            _log.warning(message, max(calls), len(calls))
        began = last_stopped = time.seconds
        while self._executions and time.seconds - last_stopped < _HAND_BACK_SECONDS:
            for execution in list(self._executions.values()):
                patience = seconds if execution.drain_seconds is None else execution.drain_seconds
                if not execution.is_stopped:
                    last_stopped = time.seconds
                    if hurry.is_set() or last_stopped - began >= patience:
                        execution.stop(Stop.DRAINING)
            await asyncio.sleep(_DRAIN_LOOK_SECONDS)
        if self._executions:
            _log.warning("%d runs could not be handed back; others take them over", len(self._executions))

    def _begin(self, run: Run) -> None:
        execution = Execution(self._context, self._lease, self._progress, self.writes, self._places, run)
        before = self._executions.get(run.run_id)
        self._executions[run.run_id] = execution
        self._places.take(run.engine or "")
        execution.start(self._finished, after=before)

    def _finished(self, execution: Execution) -> None:
        run = execution.run
        if self._executions.get(run.run_id) is execution:
            del self._executions[run.run_id]
        self._places.give_back(run.engine or "")

    async def _claim_forever(self) -> None:
        while True:
            more = False
            try:
                await self._wake_postponed()
                more = await self.claim()
            except UNAVAILABLE as error:
                self.writes.complain(error)
            except Exception:
                _log.exception("claiming runs failed; trying again")
            if not more:
                try:
                    async with asyncio.timeout(_POLL_SECONDS):
                        await self._woken.wait()
                except TimeoutError:
                    pass
                self._woken.clear()

    async def _wake_postponed(self) -> None:
        if clock_seconds() - self._looked_for_postponed < _POLL_SECONDS:
            return
        self._looked_for_postponed = clock_seconds()
        if await self._context.database.read(runs.has_due):
            await self._context.database.write_for_worker(runs.wake_postponed)

    async def _tick_forever(self) -> None:
        while True:
            self._context.time.tick()
            await asyncio.sleep(1.0)

    async def _see_to_leftovers(self) -> None:
        await self._abandoned.see_to_leftovers(self.claims())

    async def _do_each_minute(self, chore: Chore) -> None:
        pause = _FIRST_CHORES_SECONDS
        while True:
            await asyncio.sleep(min(pause, _CHORES_SECONDS))
            pause = _CHORES_SECONDS
            if not self._lease.is_held:
                continue
            try:
                await chore()
            except UNAVAILABLE as error:
                self.writes.complain(error)
            except Exception:
                _log.exception("a chore failed; it is done again in a minute")
