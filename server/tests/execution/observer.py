"""Sees every write of every process, and says what was not allowed."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from terrarium_server.assets import outputs
from terrarium_server.execution import submissions, workers
from terrarium_server.runs import runs
from terrarium_server.store import Transaction

from .provider import Broke, Call, Made, run_of

if TYPE_CHECKING:
    from .provider import Provider
    from .simulation import Process

Event = Literal[
    "before a call", "a claim", "a mark", "a ticket", "a refusal", "a giving up", "an end", "a write"
]

NOT_MOVING = "GENERATION_QUEUE_NOT_MOVING"
CANCELLED = "GENERATION_CANCELLED"
_MOST_DEATHS = 5
_EPOCH = 1_800_000_000_000


@dataclass(frozen=True, slots=True)
class RunRow:
    """What is watched of a run."""

    run_id: str
    state: str
    worker_id: str | None
    claim: int
    attempts: int
    subject: str
    engine: str
    fallback: dict[str, str] | None
    error_code: str | None
    error_message: str | None
    cost_micros: int | None

    @property
    def is_over(self) -> bool:
        return self.state in ("completed", "failed")


@dataclass(frozen=True, slots=True)
class SubmissionRow:
    """What is watched of a submission."""

    run_id: str
    number: int
    engine: str
    model: str
    key: str
    state: str
    ticket: str | None
    worker_id: str
    process: str

    @property
    def is_live(self) -> bool:
        return self.state in ("marked", "open")


@dataclass(frozen=True, slots=True)
class Rows:
    """All of it at one moment; ``leases`` are in milliseconds."""

    runs: dict[str, RunRow]
    submissions: dict[tuple[str, int], SubmissionRow]
    outputs: dict[str, list[str]]
    leases: dict[str, int]


def count_changes(tx: Transaction) -> object:
    """Something that stays the same while nothing is written; where nobody counts, it never does."""
    connection = tx._connection.connection.dbapi_connection
    return getattr(connection, "total_changes", object())


_RUNS = sa.select(*(runs.c[name] for name in RunRow.__dataclass_fields__))
_SUBMISSIONS = sa.select(*(submissions.c[name] for name in SubmissionRow.__dataclass_fields__)).order_by(
    submissions.c.run_id, submissions.c.number
)
_OUTPUTS = sa.select(outputs.c.run_id, outputs.c.text)
_LEASES = sa.select(workers.c.worker_id, workers.c.lease_until)


class Observer(logging.Handler):
    """Keeps the rows as they were after the last write; also hears what the product logs as an error."""

    def __init__(self, now_ms: Callable[[], int], *, alone: bool) -> None:
        super().__init__(logging.ERROR)
        self._alone = alone
        self.rows = Rows({}, {}, {}, {})
        self.complaints: list[str] = []
        # What happened so far, for whoever reads of a failure.
        self.history: list[str] = []
        self.processes: dict[str, Process] = {}
        self.provider: Provider
        self._now_ms = now_ms
        self._claims: dict[tuple[str, int], str] = {}

    def complain(self, what: str) -> None:
        """Note that something was wrong."""
        self.complaints.append(what)
        self.note(f"WRONG: {what}")

    def note(self, what: str) -> None:
        """Note what happened."""
        self.history.append(f"{(self._now_ms() - _EPOCH) / 1000:10.3f} {what}")

    @property
    def story(self) -> str:
        """All that happened."""
        return "\n".join(["", *self.history, ""])

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not isinstance(error, OperationalError | Broke):
            self.complain(f"{record.getMessage()}: {error!r}")

    def read(self, tx: Transaction) -> Rows:
        """Read what is watched."""
        found: dict[str, list[str]] = {}
        for run_id, text in map(tuple, tx.execute(_OUTPUTS)):
            found.setdefault(run_id, []).append(text)
        return Rows(
            {row[0]: RunRow(*row) for row in map(tuple, tx.execute(_RUNS))},
            {(row[0], row[1]): SubmissionRow(*row) for row in map(tuple, tx.execute(_SUBMISSIONS))},
            found,
            {row[0]: row[1] for row in map(tuple, tx.execute(_LEASES))},
        )

    def wrote(self, process: "Process | None", rows: Rows) -> set[Event]:
        """A process, or a caller, has written; say what it was."""
        before, self.rows = self.rows, rows
        events: set[Event] = {"a write"}
        for run_id, run in rows.runs.items():
            old = before.runs.get(run_id)
            if old is not None and old != run:
                self._run_moved(process, old, run)
                events |= {"a claim"} if run.claim != old.claim else set()
                events |= {"an end"} if run.is_over else set()
        for name, row in rows.submissions.items():
            old = before.submissions.get(name)
            if old is None:
                self._submission_began(process, row)
                events.add("a mark" if row.state == "marked" else "a refusal")
            elif old != row:
                self._submission_moved(process, old, row)
                events |= {"a ticket"} if row.ticket != old.ticket else set()
                events |= {"a refusal"} if row.state == "refused" else set()
                events |= {"a giving up"} if row.state == "unknown" else set()
        return events

    # -- runs -------------------------------------------------------------------------------------------

    def _run_moved(self, process: "Process | None", old: RunRow, new: RunRow) -> None:
        what = f"{old.run_id}: {_told(old)} → {_told(new)} by {process.name if process else 'a caller'}"
        self.note(what)
        if old.is_over:
            self.complain(f"a run that was over has changed: {what}")
        elif process is None:
            if (new.state, new.error_code) != ("failed", CANCELLED):
                self.complain(f"a caller did more than to cancel: {what}")
        elif not self._may_move(process, old, new):
            self.complain(f"not allowed: {what}")
        elif new.is_over and not self._may_end(process, old, new):
            self.complain(f"no reason for this end: {what}: {new.error_message}")

    def _may_move(self, process: "Process", old: RunRow, new: RunRow) -> bool:
        me, died = process.worker_id, new.attempts - old.attempts
        move = (new.state, new.worker_id, new.claim - old.claim, died)
        if old.state == "pending":
            if new.state == "failed":
                return new.error_code == NOT_MOVING and move[2:] == (0, 0)
            return move == ("running", me, 1, 0)
        if old.worker_id == me:
            claim = process.worker.claims().get(old.run_id)
            if new.state == "running":
                # Left for others, or what it lost sight of is taken up again.
                return move in (("running", None, 0, 0), ("running", me, 1, 0))
            return move[2:] == (0, 0) and (claim == old.claim or (new.state == "pending" and claim is None))
        if old.worker_id is not None and not self._is_dead(process, old.worker_id):
            return False
        was_death = int(old.worker_id is not None)
        if was_death and not self._was_death(old):
            was_death = 0
        if new.state == "failed":
            return new.error_code == NOT_MOVING
        return move in (("running", me, 1, was_death), ("pending", None, 0, was_death))

    def _is_dead(self, process: "Process", worker_id: str) -> bool:
        """Whether this process may take another's runs: its lease is over, and it knows that."""
        other = self.worker(worker_id)
        if self._alone:
            return other.is_gone
        lease_over = self.rows.leases.get(worker_id, 0) <= self._now_ms()
        return lease_over and (other.is_gone or not other.lease.is_held)

    def _was_death(self, run: RunRow) -> bool:
        """Whether the worker that had a run died with it, and did not end as it should."""
        assert run.worker_id is not None
        if self.worker(run.worker_id).was_out_of_touch:
            return True
        # What only that worker could wait for, it could not hand back.
        last = self.latest(run.run_id)
        return last is not None and last.is_live and last.engine == "call"

    def _may_end(self, process: "Process", old: RunRow, new: RunRow) -> bool:
        if new.state == "completed":
            [text] = self.rows.outputs.get(new.run_id, [""])
            job = self.provider.job(text)
            return job is not None and job.run_id == new.run_id and job.state == "finished"
        code, said = new.error_code, new.error_message or ""
        jobs = [job for job in self.provider.made if job.run_id == new.run_id]
        if code == "SERVER_ERROR" and said.startswith("Gave up after"):
            return old.attempts >= _MOST_DEATHS
        if code == "SERVER_ERROR" and said.startswith("The server could not"):
            return new.run_id in self.provider.broken
        if code == "SERVER_ERROR" and said.startswith("The worker that handed"):
            mine = [row for row in self.rows.submissions.values() if row.run_id == new.run_id]
            return any(row.state == "unknown" for row in mine)
        if code == "SERVER_ERROR" and said.startswith("The worker that was"):
            return any(job.engine == "call" for job in jobs)
        if code == "GENERATION_PROVIDER_TIMEOUT":
            return any(job.hangs for job in jobs)
        if code == "GENERATION_NO_RESULT" and any(job.state in ("lost", "gone", "cancelled") for job in jobs):
            return True
        return code == NOT_MOVING or code in self.provider.told.get(new.run_id, set())

    # -- submissions ------------------------------------------------------------------------------------

    def _submission_began(self, process: "Process | None", row: SubmissionRow) -> None:
        run = self.rows.runs[row.run_id]
        assert process is not None
        self.note(f"{row.key or row.run_id}: {row.state} as {row.number} by {process.name}")
        held = process.worker.claims().get(row.run_id) == run.claim and run.worker_id == process.worker_id
        postponed = row.state == "refused" and run.worker_id is None
        if not ((held and run.state == "running") or postponed):
            self.complain(f"marked without holding the run: {row} of {_told(run)}")

    def _submission_moved(self, process: "Process | None", old: SubmissionRow, new: SubmissionRow) -> None:
        job = self.provider.job(old.key)
        who = process.name if process else "a caller"
        self.note(f"{old.key}: {old.state} as {old.number} → {new.state} ({new.ticket}) by {who}")
        move = (old.state, new.state)
        match move:
            case ("marked", "void"):
                is_right = job is None or job.state in ("lost", "gone")
                is_right = is_right and not any(call.key == old.key for call in self.provider.calls)
            case ("marked", "unknown"):
                is_right = process is not None and not self._could_be_known(process, old)
            case ("marked" | "unknown" | "cancelled", "open"):
                is_right = job is not None
            case ("marked", "refused"):
                is_right = job is None
            case ("open", "refused"):
                is_right = job is not None and job.failure is not None and job.failure.retry_after is not None
            case ("open" | "marked", "cancelled"):
                is_right = job is None or not job.is_live
            case ("open", "over"):
                is_right = job is not None and not job.is_live
            case ("open", "unknown"):
                is_right = old.engine in ("call", "machine")
            case _:
                is_right = False
        if not is_right:
            self.complain(f"not allowed: {old} → {new.state}, the provider has {job}")

    def _could_be_known(self, process: "Process", row: SubmissionRow) -> bool:
        """Whether giving up on a mark was wrong: the provider can be asked, and nobody can call any more."""
        marker = self.processes[row.process]
        if row.engine not in ("exact", "machine") or row.key in self.provider.unsure:
            return False
        if row.run_id in self.provider.broken:
            return False
        if marker.machine != process.machine:
            return False
        if marker.is_gone or marker is process:
            return True
        is_well = marker.is_running and marker.lease.is_held and marker.database.is_well
        return is_well and not any(call.key == row.key for call in self.provider.calls)

    # -- the provider -----------------------------------------------------------------------------------

    def calls(self, call: Call) -> None:
        """A process begins to submit."""
        self.note(f"{call.key}: called by {call.process.name}")
        if self.provider.talks[call.process.name, run_of(call.key)] > 1:
            self.complain(f"two executions of {run_of(call.key)} talk to an engine at once")
        if call.engine == "free":
            return
        if not call.process.lease.is_held:
            self.complain(f"{call.process.name} submits {call.key} without its lease")
        row = self.of_key(call.key)
        if row is None or row.process != call.process.name or row.state != "marked":
            self.complain(f"{call.process.name} submits {call.key}, which is noted as {row}")

    def accepts(self, call: Call) -> None:
        """A submission arrives: what the run is paid for must be over, or be known."""
        self.note(f"{call.key}: arrives at the provider")
        if call.engine == "free":
            return
        row = self.of_key(call.key)
        if row is None or row.state not in ("marked", "unknown"):
            self.complain(f"{call.key} arrives, which is noted as {row}")
        run = self.rows.runs[run_of(call.key)]
        for job in self.provider.of_run(run.run_id):
            if not self._is_settled(job, run.fallback):
                self.complain(f"{call.key} arrives, which is paid for by {job} already")

    def _is_settled(self, job: Made, fallback: dict[str, str] | None) -> bool:
        """Whether a run may be submitted again in spite of an earlier job of it."""
        row = self.of_key(job.key)
        if job.state in ("failed", "lost") or row is None:
            return True
        # Another model makes what nothing was heard of; if it is made all the same, it must be known.
        is_silent = job.hangs and row.ticket is not None
        # The answer to a call has no other way than to the process that made it.
        is_out_of_reach = job.engine == "call" and (job.process.is_gone or job.process.was_out_of_touch)
        return fallback is not None and fallback["model"] != row.model and (is_silent or is_out_of_reach)

    def cancels(self, job: Made) -> None:
        """A job that may still be made is cancelled: nobody must want it any more."""
        self.note(f"{job.key}: cancelled at the provider")
        run = self.rows.runs[job.run_id]
        row = self.of_key(job.key)
        is_wanted = not run.is_over and job.engine in ("exact", "blind", "machine") and not job.hangs
        if is_wanted and (row is None or row.state == "open"):
            self.complain(f"{job} is cancelled, and {_told(run)} waits for it")

    def is_wasted(self, job: Made) -> bool:
        """Whether a job was finished and paid for, and its run has failed without a reason for that."""
        run, row = self.rows.runs[job.run_id], self.of_key(job.key)
        if not (job.is_paid and job.is_wanted and job.state == "finished" and run.state == "failed"):
            return False
        # Nobody could know of it, or reach it, or wait for it any longer.
        is_unknown = row is None or row.state == "unknown" or job.run_id in self.provider.broken
        is_out_of_reach = job.engine == "call" and (job.process.is_gone or job.process.was_out_of_touch)
        is_given_up = run.error_code in (CANCELLED, NOT_MOVING) or run.attempts >= _MOST_DEATHS
        return not (is_unknown or is_out_of_reach or is_given_up or job.hangs)

    # -- what is in memory ------------------------------------------------------------------------------

    def look(self) -> None:
        """Compare what the processes have in memory with the rows."""
        for process in self.processes.values():
            if process.is_gone:
                continue
            for claim in process.worker.claims().items():
                if self._claims.setdefault(claim, process.name) != process.name:
                    self.complain(f"{claim} is held by {process.name} and was by {self._claims[claim]}")

    def worker(self, worker_id: str) -> "Process":
        return next(one for one in self.processes.values() if one.worker_id == worker_id)

    def latest(self, run_id: str) -> SubmissionRow | None:
        """The last submission of a run."""
        rows = [row for (name, _), row in sorted(self.rows.submissions.items()) if name == run_id]
        return rows[-1] if rows else None

    def of_key(self, key: str) -> SubmissionRow | None:
        """The last submission under a key; one that was never sent leaves it to the next."""
        rows = [row for _, row in sorted(self.rows.submissions.items()) if row.key == key]
        return rows[-1] if rows else None


def _told(run: RunRow) -> Any:
    return (run.state, run.worker_id, run.claim, run.attempts, run.error_code)
