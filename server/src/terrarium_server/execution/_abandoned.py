"""What nobody has in hand any more: runs of workers that died, and jobs at providers whose run is over."""

import logging
from collections.abc import AsyncGenerator, Iterable, Mapping

import sqlalchemy as sa

from terrarium_server import runs, settlement
from terrarium_server.engines import Engine, Mark, Ticket
from terrarium_server.runs import COLUMNS, Run, RunOutcome
from terrarium_server.store import Transaction

from . import _submissions as submissions
from ._context import Context
from ._lease import Lease, forget_dead, live_engines
from ._process import is_gone, this_process
from ._submissions import Submission
from ._writes import Writes

_log = logging.getLogger(__name__)

_MOST_AT_ONCE = 100
_GIVEN_UP_AFTER_MS = 24 * 60 * 60 * 1000
_UNSERVED_SECONDS = 600.0
_SHOWN_FOR_MS = 60_000
_SUBMISSIONS_FOR_MS = 30 * 24 * 60 * 60 * 1000
_PURGE = 500
_NOT_MOVING = RunOutcome(
    "GENERATION_QUEUE_NOT_MOVING",
    "No worker of this server has had this model's engine for ten minutes; tell its owner, or try later.",
)


class Abandoned:
    """Finds what was abandoned, and sees to it."""

    def __init__(self, context: Context, lease: Lease, writes: Writes) -> None:
        self._context = context
        self._lease = lease
        self._writes = writes
        self._engines = sorted(engine.name for engine in context.engines)
        # Engines that runs wait for and no living worker has, and abandoned runs, since when they were seen.
        self._unserved: dict[str, float] = {}
        self._stranded: dict[str, float] = {}

    async def take_over(self, *, dropped: Iterable[str], busy: Mapping[str, int]) -> AsyncGenerator[Run]:
        """Put back into the queue what dead workers had, or this one lost sight of (``dropped``).

        Gives those that have to be gone on with here, because their engine has them in hand. What this worker
        still winds up (``busy``) is left alone.
        """
        database, mine = self._context.database, list(dropped)
        for run in await database.read(lambda tx: self._find(tx, mine)):
            if run.run_id not in busy:
                # One transaction for each: a run that cannot be taken keeps no other from it.
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
            # By a worker that stands still in the middle of a transaction; the database ends that soon.
            return None
        me = self._context.worker_id
        died = run.worker_id is not None and run.worker_id != me
        abandoned = self._is_dropped([run.run_id]) if run.worker_id == me else self._lease.abandoned(tx)
        last = submissions.latest(tx, run.run_id)
        # What a first model still has in hand is no matter of the second one's.
        if last is None or not last.is_live or last.model != run.model:
            if runs.requeue_abandoned(tx, run, abandoned, died=died):
                _log.warning("run %s of worker %s is back in the queue", run.run_id, run.worker_id)
            return None
        if last.followers == "machine" and not last.can_be_followed_by(me):
            return None
        taken = runs.take_over(tx, run, me, abandoned, died=died)
        if taken is not None:
            _log.warning("took over run %s of worker %s", run.run_id, run.worker_id)
        return taken

    async def see_to_leftovers(self, busy: Mapping[str, int]) -> None:
        """Do what is due now and then."""
        await self._cancel_leftovers(busy)
        await self._fail_unserved()
        await self._fail_stranded()
        await self._context.database.write_for_worker(self._purge)

    def _purge(self, tx: Transaction) -> None:
        forget_dead(tx, worker_id=self._context.worker_id)
        runs.forget_shown(tx, older_than_ms=_SHOWN_FOR_MS, limit=_PURGE)
        submissions.forget(tx, older_than_ms=_SUBMISSIONS_FOR_MS, limit=_PURGE)

    async def _cancel_leftovers(self, busy: Mapping[str, int]) -> None:
        """Cancel what engines still have in hand for runs that are over."""
        me = self._context.worker_id
        found = await self._context.database.read(
            lambda tx: submissions.left_behind(tx, me, self._engines, limit=_MOST_AT_ONCE)
        )
        for submission, age_ms in found:
            engine = self._context.engines.get(submission.engine)
            if engine is None or submission.run_id in busy:
                continue
            try:
                state = await self._cancel_leftover(engine, submission)
            except Exception:
                _log.exception("a job of run %s could not be cancelled", submission.run_id)
                state = None
            if state is None and age_ms > _GIVEN_UP_AFTER_MS:
                state = "unknown"
            if state is not None:
                await self._conclude(submission, state)

    async def _cancel_leftover(self, engine: Engine, submission: Submission) -> submissions.State | None:
        """Return what became of it, None if that has to wait."""
        ticket: str | None = submission.ticket
        if ticket is None:
            # What this very process marked is in nobody's hands: its run is not among the busy ones.
            mine = submission.process == this_process()
            gone = self._context.alone or mine or is_gone(submission.process)
            found = await engine.find(Mark(submission.mark))
            if not isinstance(found, str):
                return ("void" if found is None else "unknown") if gone else None
            ticket = found
        elif submission.followers == "worker" and submission.worker_id != self._context.worker_id:
            # It ended with its process.
            return "unknown"
        elif submission.followers == "machine" and not submission.can_be_followed_by(self._context.worker_id):
            return None
        await engine.cancel(Ticket(ticket))
        return "cancelled"

    async def _conclude(self, submission: Submission, state: submissions.State) -> None:
        await self._writes.anyway(lambda tx: submissions.conclude(tx, submission, state))

    async def _fail_unserved(self) -> None:
        """Fail pending runs whose engine no living worker has had for ten minutes, as far as this one saw."""
        unserved = await self._context.database.read(
            lambda tx: runs.engines_waited_for(tx) - live_engines(tx)
        )
        for name in self._since(self._unserved, unserved):
            waiting = await self._context.database.read(
                lambda tx, name=name: runs.pending_of(tx, name, limit=_PURGE)
            )
            for run in waiting:
                # One transaction for each: two runs and a balance would be locked in the wrong order.
                await self._writes.under_lease(lambda tx, run=run: settlement.give_up(tx, run, _NOT_MOVING))

    async def _fail_stranded(self) -> None:
        """Fail abandoned runs that no living worker could go on with for ten minutes."""

        def look(tx: Transaction) -> dict[str, Run]:
            statement = sa.select(*COLUMNS).where(runs.RUNNING, self._lease.abandoned(tx))
            found = (Run(*row) for row in tx.execute(statement.limit(_PURGE)))
            return {run.run_id: run for run in found}

        stranded = await self._context.database.read(look)
        for run_id in self._since(self._stranded, set(stranded)):
            run = stranded[run_id]
            await self._writes.under_lease(lambda tx, run=run: self._give_up_running(tx, run))

    def _give_up_running(self, tx: Transaction, run: Run) -> None:
        taken = runs.take_over(tx, run, self._context.worker_id, self._lease.abandoned(tx), died=True)
        if taken is not None:
            settlement.fail(tx, taken, _NOT_MOVING)

    def _since(self, known: dict[str, float], seen: set[str]) -> list[str]:
        """Note since when each was seen without a break; return those for which it has been ten minutes."""
        now = self._context.time.seconds
        for name in known.keys() - seen:
            del known[name]
        for name in seen:
            known.setdefault(name, now)
        return sorted(name for name, since in known.items() if now - since >= _UNSERVED_SECONDS)
