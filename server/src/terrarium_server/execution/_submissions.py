"""Submissions to engines that may charge for them: one row for each.

marked ──▶ open ──▶ over        the engine has reported the job's end
  │          └────▶ cancelled   the job was cancelled at the engine
  ├──▶ void                     it certainly never reached the engine
  ├──▶ refused                  the engine did not accept it
  └──▶ unknown                  what became of it cannot be found out
"""

from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from terrarium_server import runs
from terrarium_server.engines import Followers
from terrarium_server.runs import Run
from terrarium_server.store import Transaction

from ._lease import is_alive
from ._process import machine_of, this_machine
from ._tables import submissions

State = Literal["marked", "void", "refused", "open", "over", "cancelled", "unknown"]

_LIVE = sa.text("submissions.state IN ('marked', 'open')")
_OVER = submissions.c.state.not_in(("marked", "open"))


@dataclass(frozen=True, slots=True)
class Submission:
    """One row; ``process`` makes the call, ``marked_at`` is in milliseconds by the database's clock."""

    run_id: str
    number: int
    engine: str
    model: str
    key: str
    mark: str
    state: State
    ticket: str | None
    followers: Followers
    worker_id: str
    process: str
    marked_at: int

    @property
    def is_live(self) -> bool:
        """Whether its job may still run or start."""
        return self.state in ("marked", "open")

    @property
    def was_never_made(self) -> bool:
        """Whether it certainly started no job, so that submitting again cannot charge twice."""
        return self.state in ("void", "refused")

    def can_be_followed_by(self, worker_id: str) -> bool:
        """Whether this worker, on this machine, can follow its ticket."""
        match self.followers:
            case "anyone":
                return True
            case "machine":
                return machine_of(self.process) == this_machine()
            case "worker":
                return self.worker_id == worker_id


_ROW = [submissions.c[name] for name in Submission.__dataclass_fields__]
_LATEST = (
    sa.select(*_ROW)
    .where(submissions.c.run_id == sa.bindparam("run"))
    .order_by(submissions.c.number.desc())
    .limit(1)
)


def mark(
    tx: Transaction,
    run: Run,
    *,
    number: int,
    engine: str,
    key: str,
    mark: str,
    followers: Followers,
    process: str,
) -> bool:
    """Record that a run is about to be submitted; False if it is not held under its claim any more.

    Idempotent, because the answer to an earlier try may have been lost.
    """
    if not runs.is_held(tx, run):
        return False
    row = {
        "run_id": run.run_id,
        "number": number,
        "engine": engine,
        "model": run.model,
        "key": key,
        "mark": mark,
        "state": "marked",
        "followers": followers,
        "worker_id": run.worker_id,
        "process": process,
    }
    _insert(tx, row)
    return True


def latest(tx: Transaction, run_id: str) -> Submission | None:
    """Return the last submission of a run."""
    row = tx.execute(_LATEST, {"run": run_id}).first()
    return Submission(*row) if row is not None else None


def record_ticket(tx: Transaction, run_id: str, number: int, ticket: str) -> None:
    """Record the ticket of a submission, whichever worker has the run by now: it may have been paid for."""
    statement = sa.update(submissions).where(
        submissions.c.run_id == run_id, submissions.c.number == number, submissions.c.ticket.is_(None)
    )
    tx.execute(statement.values(ticket=ticket, state="open"))


def withdraw(tx: Transaction, run_id: str, number: int, *, process: str) -> None:
    """Record that this process will not make the call for a mark that it may have written."""
    statement = sa.update(submissions).where(
        submissions.c.run_id == run_id,
        submissions.c.number == number,
        submissions.c.state == "marked",
        submissions.c.process == process,
    )
    tx.execute(statement.values(state="void"))


def conclude(tx: Transaction, submission: Submission, state: State) -> None:
    """Record the final state of a submission, unless it has one."""
    tx.execute(sa.update(submissions).where(*_key(submission), _LIVE).values(state=state))


def give_up(tx: Transaction, submission: Submission) -> None:
    """Record that its outcome is unknown, unless its ticket was recorded after it was read."""
    as_read = submissions.c.ticket.is_not_distinct_from(submission.ticket)
    tx.execute(sa.update(submissions).where(*_key(submission), _LIVE, as_read).values(state="unknown"))


def note_refusal(tx: Transaction, run: Run, number: int, *, process: str) -> None:
    """Record that an engine refused a run before anything was marked. Idempotent."""
    row = {
        "run_id": run.run_id,
        "number": number,
        "engine": run.engine,
        "model": run.model,
        "key": "",
        "mark": "",
        "state": "refused",
        "followers": "worker",
        "worker_id": run.worker_id,
        "process": process,
    }
    _insert(tx, row)


def count_refusals(tx: Transaction, run: Run) -> int:
    """Return how often a run was refused for its current model."""
    statement = (
        sa.select(sa.func.count())
        .select_from(submissions)
        .where(
            submissions.c.run_id == run.run_id,
            submissions.c.model == run.model,
            submissions.c.state == "refused",
        )
    )
    return tx.execute(statement).scalar_one()


def forget(tx: Transaction, *, older_than_ms: int, limit: int) -> int:
    """Delete old submissions of runs that have ended; return how many rows were deleted."""
    old = (
        sa.select(submissions.c.run_id)
        .join(runs.runs, runs.runs.c.run_id == submissions.c.run_id)
        .where(
            submissions.c.marked_at < tx.clock - older_than_ms,
            _OVER,
            runs.runs.c.state.in_(("completed", "failed", "skipped")),
        )
        .limit(limit)
    )
    return tx.execute(sa.delete(submissions).where(_OVER, submissions.c.run_id.in_(old))).rowcount


def orphans(
    tx: Transaction, worker_id: str, engines: list[str], *, limit: int
) -> list[tuple[Submission, int]]:
    """Return live submissions of runs that have ended, and their age in milliseconds.

    Leaves out those of other live workers, which cancel their own.
    """
    statement = (
        sa.select(*_ROW, tx.clock - submissions.c.marked_at)
        .join(runs.runs, runs.runs.c.run_id == submissions.c.run_id)
        .where(
            _LIVE,
            runs.runs.c.state.in_(("completed", "failed", "skipped")),
            submissions.c.engine.in_(engines),
            sa.or_(submissions.c.worker_id == worker_id, ~is_alive(tx, submissions.c.worker_id)),
        )
        .order_by(submissions.c.marked_at)
        .limit(limit)
    )
    return [(Submission(*row), int(age)) for *row, age in map(tuple, tx.execute(statement))]


def _key(submission: Submission) -> tuple[sa.ColumnElement[bool], ...]:
    return (submissions.c.run_id == submission.run_id, submissions.c.number == submission.number)


def _insert(tx: Transaction, row: dict[str, Any]) -> None:
    key = (submissions.c.run_id == row["run_id"], submissions.c.number == row["number"])
    if tx.execute(sa.select(submissions.c.number).where(*key)).first() is None:
        tx.execute(sa.insert(submissions).values(**row, marked_at=tx.clock))
