"""A worker: claims runs, executes each in its own coroutine, and takes over the runs of dead workers."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress

from terrarium_server import events, runs
from terrarium_server.runs import Run
from terrarium_server.store import UNAVAILABLE, Transaction

from ._abandoned import AbandonedWork
from ._active_job import StopReason
from ._capacity import EngineCapacity
from ._context import Context
from ._execution import Execution
from ._lease import Lease, Renewal
from ._progress import ProgressWriter
from ._sharing import SharedCapacity
from ._writes import Writes

_log = logging.getLogger(__name__)

# How often the worker looks for runs without having heard of any. It hears of those that became ready, but
# not of capacity that a dead worker leaves.
_POLL_SECONDS = 2.0
# Other workers may be queueing the runs that are due.
_SHORTEST_PAUSE = 0.05
_CHORES_SECONDS = 60.0
# The jobs of a dead process at a provider may cost money every second.
_FIRST_CHORES_SECONDS = 2.0
_DRAIN_POLL_SECONDS = 0.02
# A database that does not answer must not delay a stop for longer.
_RETURN_SECONDS = 5.0
# One claim takes no more runs, so that other workers get some too.
_MOST_AT_ONCE = 32

Chore = Callable[[], Awaitable[None]]


class Worker:
    """Executes runs on one event loop, at most ``capacity`` at a time."""

    def __init__(
        self, context: Context, lease: Lease, *, capacity: int, chores: Sequence[Chore] = ()
    ) -> None:
        """Create the worker; `work` starts it. ``chores`` are done every minute, concurrently."""
        self._context = context
        self._lease = lease
        self._capacity = capacity
        self._chores = chores
        self.writes = Writes(context.database, lease)
        self._progress = ProgressWriter(context)
        self._abandoned = AbandonedWork(context, lease, self.writes)
        self._executions: dict[str, Execution] = {}
        self._shared = SharedCapacity(context.engines, self.writes)
        self._engine_capacity = EngineCapacity(context.engines, self._shared, capacity, self.wake)
        self._woken = asyncio.Event()
        # Held between taking runs in the database and adding them to `_executions`.
        self._taking = asyncio.Lock()
        self._accepting = True
        self._is_current = True
        self._last_dropped: dict[str, int] = {}

    @property
    def ticked_at(self) -> float:
        """When the loop was last known to run, by `clock_seconds`."""
        return self._context.time.ticked_at

    def wake(self) -> None:
        """Look for ready runs, and for capacity of engines, now."""
        self._woken.set()
        self._shared.wake()

    def stop_runs(self, run_ids: Iterable[str]) -> None:
        """Stop executing runs that others have ended in the database."""
        for run_id in run_ids:
            if (execution := self._executions.get(run_id)) is not None:
                execution.stop(StopReason.NOT_HELD)

    def claims(self) -> dict[str, int]:
        """Return the runs being executed with the numbers of their claims; may be called from any thread."""
        return {run_id: execution.run.claim for run_id, execution in self._executions.copy().items()}

    async def work(self) -> None:
        """Claim and execute runs until cancelled; call `drain` before that."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tick_forever())
            group.create_task(self._progress.write_forever())
            group.create_task(self._claim_forever())
            for chore in (self._clean_up, *self._chores):
                group.create_task(self._do_each_minute(chore))

    async def claim(self) -> bool:
        """Claim runs that there is capacity for; return whether there were any, as there may be more."""
        async with self._taking:
            return await self._claim()

    async def _claim(self) -> bool:
        if not (self._accepting and self._is_current and self._lease.is_held):
            return False
        free = self._engine_capacity.free()
        count = min(_MOST_AT_ONCE, self._capacity - len(self._executions))
        if count <= 0 or not free:
            return False

        def claim(tx: Transaction) -> list[Run]:
            claimed = runs.claim(tx, self._context.worker_id, count, free, self._shared.limits)
            events.record(tx, [events.of_run(run, "run.started", "running") for run in claimed])
            return claimed

        claimed = await self._context.database.write_for_worker(claim)
        for run in claimed:
            self._begin(run)
        return bool(claimed)

    async def renewed(self, renewal: Renewal, before: dict[str, int]) -> None:
        """Compare this worker's runs in the database with those it executed ``before`` the renewal.

        Stops those that it lost, and takes over abandoned runs.
        """
        for run_id, claim in before.items():
            execution = self._executions.get(run_id)
            if execution is not None and execution.run.claim == claim != renewal.held.get(run_id):
                execution.stop(StopReason.NOT_HELD)
        if self._is_current and not renewal.is_current:
            _log.error("a newer version has upgraded the database; this worker claims nothing more")
        self._is_current = renewal.is_current
        dropped = {run_id: claim for run_id, claim in renewal.held.items() if run_id not in self._executions}
        # In two renewals, because a run that was just claimed is not in `_executions` for a moment.
        twice = [run_id for run_id, claim in dropped.items() if self._last_dropped.get(run_id) == claim]
        self._last_dropped = dropped
        async with self._taking:
            if self._accepting and self._is_current:
                async for run in self._abandoned.take_over(dropped=twice, busy=self.claims()):
                    self._begin(run)
        self.wake()

    async def drain(self, seconds: float, skip_waiting: asyncio.Event) -> None:
        """Claim nothing more, and finish or return every run.

        Free work may go on for ``seconds``, a call that only this process can wait for as long as its engine
        says, and a run that other workers can continue is returned at once. ``skip_waiting`` ends all
        waiting. Time in which this process is suspended does not count.
        """
        time = self._context.time
        self._accepting = False
        with suppress(TimeoutError):
            async with time.limit(_RETURN_SECONDS), self._taking:
                pass
        calls = [one.drain_seconds for one in self._executions.values() if one.drain_seconds]
        if calls:
            message = (
                "waiting up to %.0f s for %d paid calls that no other process can follow; stop again to quit"
            )
            _log.warning(message, max(calls), len(calls))
        began = last_stopped = time.seconds
        while self._executions and time.seconds - last_stopped < _RETURN_SECONDS:
            for execution in list(self._executions.values()):
                wait = seconds if execution.drain_seconds is None else execution.drain_seconds
                if not execution.is_stopped:
                    last_stopped = time.seconds
                    if skip_waiting.is_set() or last_stopped - began >= wait:
                        execution.stop(StopReason.DRAINING)
            await asyncio.sleep(_DRAIN_POLL_SECONDS)
        if self._executions:
            message = "%d runs could not be returned to the queue; other workers take them over"
            _log.warning(message, len(self._executions))

    def _begin(self, run: Run) -> None:
        execution = Execution(
            self._context, self._lease, self._progress, self.writes, self._engine_capacity, run
        )
        before = self._executions.get(run.run_id)
        self._executions[run.run_id] = execution
        self._engine_capacity.acquire(run.engine or "")
        execution.start(self._finished, after=before)

    def _finished(self, execution: Execution) -> None:
        run = execution.run
        if self._executions.get(run.run_id) is execution:
            del self._executions[run.run_id]
        engine = run.engine or ""
        self._engine_capacity.release(engine)
        if engine in self._shared.limits:
            # Other workers may use its capacity too.
            self._context.database.notifications.publish({("ready", engine)})

    async def _claim_forever(self) -> None:
        while True:
            pause = _POLL_SECONDS
            try:
                while await self.claim():
                    pass
                pause = await self._queue_due()
            except UNAVAILABLE as error:
                self.writes.log_unavailable(error)
            except Exception:
                _log.exception("claiming runs failed; trying again")
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._woken.wait()
            self._woken.clear()

    async def _queue_due(self) -> float:
        """Queue the postponed runs that are due; return in how many seconds to look again."""
        milliseconds = await self._context.database.read(runs.milliseconds_to_next_due)
        if milliseconds is None:
            return _POLL_SECONDS
        if milliseconds == 0:
            await self._context.database.write_for_worker(runs.wake_postponed)
        return min(max(milliseconds / 1000, _SHORTEST_PAUSE), _POLL_SECONDS)

    async def _tick_forever(self) -> None:
        while True:
            self._context.time.tick()
            await asyncio.sleep(1.0)

    async def _clean_up(self) -> None:
        await self._abandoned.clean_up(self.claims())

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
                self.writes.log_unavailable(error)
            except Exception:
                _log.exception("a periodic task failed; it runs again in a minute")
