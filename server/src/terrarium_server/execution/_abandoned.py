"""Abandoned work: runs of workers that died, and jobs that go on at a provider after their run has ended."""

import logging
from collections.abc import AsyncGenerator, Iterable, Mapping

import sqlalchemy as sa

from terrarium_server import events, runs, settlement
from terrarium_server.engines import Engine, Mark, Ticket
from terrarium_server.runs import COLUMNS, Run, RunOutcome
from terrarium_server.store import Transaction

from . import _submissions as submissions
from ._context import Context
from ._lease import Lease, forget_dead
from ._process import is_gone, this_process
from ._submissions import Submission
from ._writes import Writes

_log = logging.getLogger(__name__)

_MOST_AT_ONCE = 100
_GIVEN_UP_AFTER_MS = 24 * 60 * 60 * 1000
_UNSERVED_SECONDS = 600.0
_PROGRESS_KEPT_MS = 60_000
_SUBMISSIONS_FOR_MS = 30 * 24 * 60 * 60 * 1000
_PURGE = 500
_NOT_MOVING = RunOutcome(
    "GENERATION_QUEUE_NOT_MOVING",
    "No worker of this server has offered this model's engine for ten minutes; try later, or tell the "
    "server's owner.",
)


class AbandonedWork:
    """Finds abandoned work: takes it over, puts it back into the queue, cancels it or fails it."""

    def __init__(self, context: Context, lease: Lease, writes: Writes) -> None:
        self._context = context
        self._lease = lease
        self._writes = writes
        self._engines = sorted(engine.name for engine in context.engines)
        # When these were first seen, in seconds of working time: engines that runs wait for and no live
        # worker has, and running runs that no live worker can take over.
        self._unserved: dict[str, float] = {}
        self._stranded: dict[str, float] = {}

    async def take_over(self, *, dropped: Iterable[str], busy: Mapping[str, int]) -> AsyncGenerator[Run]:
        """Requeue the runs of dead workers, and the ``dropped`` ones: this worker's, but not in its memory.

        Yields the runs that this worker must continue because their job at the engine is still live. Runs
        that this worker is still executing (``busy``) are left alone.
        """
        database, mine = self._context.database, list(dropped)
        for run in await database.read(lambda tx: self._find(tx, mine)):
            if run.run_id not in busy:
                # One transaction for each, so that a run that cannot be taken does not block the others.
                taken = await database.write_for_worker(lambda tx, run=run: self._take(tx, run))
                if taken is not None:
                    yield taken

    def _find(self, tx: Transaction, dropped: list[str]) -> list[Run]:
        abandoned = sa.or_(self._lease.abandoned(tx), self._is_dropped(dropped))
        statement = (
            sa.select(*COLUMNS)
            .where(runs.RUNNING, runs.runs.c.engine.in_(self._engines), abandoned)
            .order_by(runs.runs.c.run_id)
            .limit(_MOST_AT_ONCE)
        )
        return [Run(*row) for row in tx.execute(statement)]

    def _is_dropped(self, dropped: list[str]) -> sa.ColumnElement[bool]:
        mine = runs.runs.c.worker_id == self._context.worker_id
        return sa.and_(mine, runs.runs.c.run_id.in_(dropped))

    def _take(self, tx: Transaction, run: Run) -> Run | None:
        if not runs.lock_if_free(tx, run.run_id):
            # A worker was suspended in the middle of a transaction on it. The database ends that one soon.
            return None
        me = self._context.worker_id
        died = run.worker_id is not None and run.worker_id != me
        abandoned = self._is_dropped([run.run_id]) if run.worker_id == me else self._lease.abandoned(tx)
        last = submissions.latest(tx, run.run_id)
        # A live job of the first model does not matter once the run has moved to its fallback model.
        if last is None or not last.is_live or last.model != run.model:
            if runs.requeue_abandoned(tx, run, abandoned, died=died):
                events.record(tx, [events.of_run(run, "run.queued", "pending")])
                _log.warning("%s is back in the queue", _with_worker(run))
            return None
        if last.followers == "machine" and not last.can_be_followed_by(me):
            return None
        taken = runs.take_over(tx, run, me, abandoned, died=died)
        if taken is not None:
            _log.warning("took over %s", _with_worker(run))
        return taken

    async def clean_up(self, busy: Mapping[str, int]) -> None:
        """Do the periodic maintenance."""
        await self._cancel_orphans(busy)
        await self._fail_unserved()
        await self._fail_stranded()
        await self._check_turns()
        await self._context.database.write_for_worker(self._purge)

    async def _check_turns(self) -> None:
        database = self._context.database
        overlooked = await database.read(runs.find_overlooked)
        if overlooked:
            _log.warning("runs would not have been claimed; this is a bug: %s", sorted(overlooked))
            await database.write_for_worker(lambda tx: runs.wake(tx, overlooked))
        await database.write_for_worker(runs.end_idle_turns)

    def _purge(self, tx: Transaction) -> None:
        forget_dead(tx, worker_id=self._context.worker_id)
        runs.forget_progress(tx, older_than_ms=_PROGRESS_KEPT_MS, limit=_PURGE)
        submissions.forget(tx, older_than_ms=_SUBMISSIONS_FOR_MS, limit=_PURGE)

    async def _cancel_orphans(self, busy: Mapping[str, int]) -> None:
        """Cancel the jobs that are still live at engines although their runs have ended."""
        me = self._context.worker_id
        orphans = await self._context.database.read(
            lambda tx: submissions.orphans(tx, me, self._engines, limit=_MOST_AT_ONCE)
        )
        for submission, age_ms in orphans:
            engine = self._context.engines.get(submission.engine)
            if engine is None or submission.run_id in busy:
                continue
            try:
                state = await self._cancel_orphan(engine, submission)
            except Exception:
                _log.exception("a job of run %s could not be cancelled", submission.run_id)
                state = None
            if state is None and age_ms > _GIVEN_UP_AFTER_MS:
                state = "unknown"
            if state is not None:
                await self._conclude(submission, state)

    async def _cancel_orphan(self, engine: Engine, submission: Submission) -> submissions.State | None:
        """Return the submission's final state, None if it is too early to tell."""
        ticket: str | None = submission.ticket
        if ticket is None:
            # This process makes no call for it any more: its run is not among the busy ones.
            mine = submission.process == this_process()
            gone = self._context.single_process or mine or is_gone(submission.process)
            answer = await engine.find(Mark(submission.mark))
            if not isinstance(answer, str):
                return ("void" if answer is None else "unknown") if gone else None
            ticket = answer
        elif submission.followers == "worker" and submission.worker_id != self._context.worker_id:
            # Only the process that made the call could follow it, and that process has ended.
            return "unknown"
        elif submission.followers == "machine" and not submission.can_be_followed_by(self._context.worker_id):
            return None
        await engine.cancel(Ticket(ticket))
        return "cancelled"

    async def _conclude(self, submission: Submission, state: submissions.State) -> None:
        await self._writes.without_lease(lambda tx: submissions.conclude(tx, submission, state))

    async def _fail_unserved(self) -> None:
        """Fail pending runs whose engine no live worker has had for ten minutes, as observed by this one."""
        unserved = await self._context.database.read(
            lambda tx: runs.engines_waited_for(tx) - self._lease.served_engines(tx)
        )
        for name in self._overdue(self._unserved, unserved):
            # Again and again, because in a graph the end of one run makes others ready.
            while waiting := await self._context.database.read(
                lambda tx, name=name: self._waiting_for_unserved(tx, name)
            ):
                for run in waiting:
                    # One transaction for each: runs are locked before balances, so a transaction that ends
                    # two runs would lock the second one too late.
                    await self._writes.under_lease(
                        lambda tx, run=run: settlement.give_up(tx, run, _NOT_MOVING)
                    )

    def _waiting_for_unserved(self, tx: Transaction, engine: str) -> list[Run]:
        is_served = engine in self._lease.served_engines(tx)
        return [] if is_served else runs.pending_of(tx, engine, limit=_PURGE)

    async def _fail_stranded(self) -> None:
        """Fail abandoned runs that no live worker could continue for ten minutes."""

        def find(tx: Transaction) -> dict[str, Run]:
            # Not the roots of graphs, which no worker executes.
            executed = runs.runs.c.engine.is_not(None)
            statement = sa.select(*COLUMNS).where(runs.RUNNING, executed, self._lease.abandoned(tx))
            abandoned = (Run(*row) for row in tx.execute(statement.limit(_PURGE)))
            return {run.run_id: run for run in abandoned}

        stranded = await self._context.database.read(find)
        for run_id in self._overdue(self._stranded, set(stranded)):
            run = stranded[run_id]
            await self._writes.under_lease(lambda tx, run=run: self._give_up_running(tx, run))

    def _give_up_running(self, tx: Transaction, run: Run) -> None:
        # The root of its graph first, as everywhere.
        runs.lock_root(tx, run)
        taken = runs.take_over(tx, run, self._context.worker_id, self._lease.abandoned(tx), died=True)
        if taken is not None:
            settlement.fail(tx, taken, _NOT_MOVING)

    def _overdue(self, first_seen: dict[str, float], current: set[str]) -> list[str]:
        """Update when each name was first seen; return those seen for ten minutes without a break."""
        now = self._context.time.seconds
        for name in first_seen.keys() - current:
            del first_seen[name]
        for name in current:
            first_seen.setdefault(name, now)
        return sorted(name for name, since in first_seen.items() if now - since >= _UNSERVED_SECONDS)


def _with_worker(run: Run) -> str:
    worker = f" of worker {run.worker_id}" if run.worker_id is not None else " (it had no worker)"
    return f"run {run.run_id}{worker}"
