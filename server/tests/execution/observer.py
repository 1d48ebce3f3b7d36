"""Checks every write of every process, and records the violations."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from terrarium_server.assets import outputs
from terrarium_server.execution import submissions, workers
from terrarium_server.runs import find_overlooked, runs
from terrarium_server.store import Transaction

from .provider import BrokenCall, Call, ProviderJob, run_of

if TYPE_CHECKING:
    from .provider import Provider
    from .simulation import Process

Event = Literal[
    "before a call", "a claim", "a mark", "a ticket", "a refusal", "an unknown", "an end", "a write"
]

NOT_MOVING = "GENERATION_QUEUE_NOT_MOVING"
CANCELLED = "GENERATION_CANCELLED"
_MOST_DEATHS = 5
_EPOCH = 1_800_000_000_000


@dataclass(frozen=True, slots=True)
class RunRow:
    """The checked columns of a run."""

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
    """The checked columns of a submission."""

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
    """All checked rows at one moment; ``leases`` are in milliseconds.

    ``overlooked`` are the engines and workspaces whose ready runs nobody would claim.
    """

    runs: dict[str, RunRow]
    submissions: dict[tuple[str, int], SubmissionRow]
    outputs: dict[str, list[str]]
    leases: dict[str, int]
    overlooked: set[tuple[str, str]]


def count_changes(tx: Transaction) -> object:
    """Return a value that stays equal while nothing is written; without a counter, it never does."""
    connection = tx._connection.connection.dbapi_connection
    return getattr(connection, "total_changes", object())


_RUNS = sa.select(*(runs.c[name] for name in RunRow.__dataclass_fields__))
_SUBMISSIONS = sa.select(*(submissions.c[name] for name in SubmissionRow.__dataclass_fields__)).order_by(
    submissions.c.run_id, submissions.c.number
)
_OUTPUTS = sa.select(outputs.c.run_id, outputs.c.text)
_LEASES = sa.select(workers.c.worker_id, workers.c.lease_until)


class Observer(logging.Handler):
    """Holds the rows after the last write; as a log handler, it also records the product's errors."""

    def __init__(self, now_ms: Callable[[], int], limits: Mapping[str, int], *, single_process: bool) -> None:
        super().__init__(logging.ERROR)
        self._limits = limits
        self._single_process = single_process
        self.rows = Rows({}, {}, {}, {}, set())
        self.violations: list[str] = []
        # Everything so far, for the message of a failure.
        self.history: list[str] = []
        self.processes: dict[str, Process] = {}
        self.provider: Provider
        self._now_ms = now_ms
        self._claims: dict[tuple[str, int], str] = {}

    def report(self, what: str) -> None:
        """Record a violation."""
        self.violations.append(what)
        self.note(f"VIOLATION: {what}")

    def note(self, what: str) -> None:
        """Record an event."""
        self.history.append(f"{(self._now_ms() - _EPOCH) / 1000:10.3f} {what}")

    @property
    def history_text(self) -> str:
        """All events, one a line."""
        return "\n".join(["", *self.history, ""])

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not isinstance(error, OperationalError | BrokenCall):
            self.report(f"{record.getMessage()}: {error!r}")

    def read(self, tx: Transaction) -> Rows:
        """Read the checked rows."""
        texts: dict[str, list[str]] = {}
        for run_id, text in map(tuple, tx.execute(_OUTPUTS)):
            texts.setdefault(run_id, []).append(text)
        return Rows(
            {row[0]: RunRow(*row) for row in map(tuple, tx.execute(_RUNS))},
            {(row[0], row[1]): SubmissionRow(*row) for row in map(tuple, tx.execute(_SUBMISSIONS))},
            texts,
            {row[0]: row[1] for row in map(tuple, tx.execute(_LEASES))},
            find_overlooked(tx),
        )

    def wrote(self, process: "Process | None", rows: Rows) -> set[Event]:
        """Check a write of a process, or of a caller; return what it was."""
        before, self.rows = self.rows, rows
        events: set[Event] = {"a write"}
        if rows.overlooked:
            self.report(f"nobody would claim the ready runs of {rows.overlooked}")
        running = Counter(run.engine for run in rows.runs.values() if run.state == "running")
        for engine, limit in self._limits.items():
            if running[engine] > limit:
                self.report(f"{running[engine]} runs are running at {engine}")
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
                events |= {"an unknown"} if row.state == "unknown" else set()
        return events

    # -- runs -------------------------------------------------------------------------------------------

    def _run_moved(self, process: "Process | None", old: RunRow, new: RunRow) -> None:
        what = f"{old.run_id}: {_summary(old)} → {_summary(new)} by {process.name if process else 'a caller'}"
        self.note(what)
        if old.is_over:
            self.report(f"a run that was over has changed: {what}")
        elif process is None:
            if (new.state, new.error_code) != ("failed", CANCELLED):
                self.report(f"a caller did more than to cancel: {what}")
        elif not self._may_move(process, old, new):
            self.report(f"not allowed: {what}")
        elif new.is_over and not self._may_end(process, old, new):
            self.report(f"no reason for this end: {what}: {new.error_message}")

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
                # It left the run to others, or resumed one that it had dropped.
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
        """Whether this process may take another's runs: its lease is expired, and it knows that."""
        other = self.worker(worker_id)
        if self._single_process:
            return other.is_gone
        is_expired = self.rows.leases.get(worker_id, 0) <= self._now_ms()
        return is_expired and (other.is_gone or not other.lease.is_held)

    def _was_death(self, run: RunRow) -> bool:
        """Whether the worker of a run died, instead of draining as it should."""
        assert run.worker_id is not None
        if self.worker(run.worker_id).was_out_of_touch:
            return True
        # It could not return a job that only it can follow.
        last = self.latest(run.run_id)
        return last is not None and last.is_live and last.engine == "call"

    def _may_end(self, process: "Process", old: RunRow, new: RunRow) -> bool:
        if new.state == "completed":
            [text] = self.rows.outputs.get(new.run_id, [""])
            job = self.provider.job(text)
            return job is not None and job.run_id == new.run_id and job.state == "finished"
        code, message = new.error_code, new.error_message or ""
        jobs = [job for job in self.provider.made if job.run_id == new.run_id]
        if code == "SERVER_ERROR" and message.startswith("Gave up after"):
            return old.attempts >= _MOST_DEATHS
        if code == "SERVER_ERROR" and message.startswith("The server failed to"):
            return new.run_id in self.provider.broken
        if code == "SERVER_ERROR" and message.startswith("The worker that submitted"):
            own = [row for row in self.rows.submissions.values() if row.run_id == new.run_id]
            return any(row.state == "unknown" for row in own)
        if code == "SERVER_ERROR" and message.startswith("The worker that waited"):
            return any(job.engine == "call" for job in jobs)
        if code == "GENERATION_PROVIDER_TIMEOUT":
            return any(job.hangs for job in jobs)
        if code == "GENERATION_NO_RESULT" and any(job.state in ("lost", "gone", "cancelled") for job in jobs):
            return True
        return code == NOT_MOVING or code in self.provider.reported_codes.get(new.run_id, set())

    # -- submissions ------------------------------------------------------------------------------------

    def _submission_began(self, process: "Process | None", row: SubmissionRow) -> None:
        run = self.rows.runs[row.run_id]
        assert process is not None
        self.note(f"{row.key or row.run_id}: {row.state} as {row.number} by {process.name}")
        held = process.worker.claims().get(row.run_id) == run.claim and run.worker_id == process.worker_id
        postponed = row.state == "refused" and run.worker_id is None
        if not ((held and run.state == "running") or postponed):
            self.report(f"marked without holding the run: {row}, the run is {_summary(run)}")

    def _submission_moved(self, process: "Process | None", old: SubmissionRow, new: SubmissionRow) -> None:
        job = self.provider.job(old.key)
        who = process.name if process else "a caller"
        self.note(f"{old.key}: {old.state} as {old.number} → {new.state} ({new.ticket}) by {who}")
        move = (old.state, new.state)
        match move:
            case ("marked", "void"):
                is_allowed = job is None or job.state in ("lost", "gone")
                is_allowed = is_allowed and not any(call.key == old.key for call in self.provider.calls)
            case ("marked", "unknown"):
                is_allowed = process is not None and not self._could_be_known(process, old)
            case ("marked" | "unknown" | "cancelled", "open"):
                is_allowed = job is not None
            case ("marked", "refused"):
                is_allowed = job is None
            case ("open", "refused"):
                is_allowed = (
                    job is not None and job.failure is not None and job.failure.retry_after is not None
                )
            case ("open" | "marked", "cancelled"):
                is_allowed = job is None or not job.is_live
            case ("open", "over"):
                is_allowed = job is not None and not job.is_live
            case ("open", "unknown"):
                is_allowed = old.engine in ("call", "machine")
            case _:
                is_allowed = False
        if not is_allowed:
            self.report(f"not allowed: {old} → {new.state}, the provider has {job}")

    def _could_be_known(self, process: "Process", row: SubmissionRow) -> bool:
        """Whether the outcome of a marked call could be found out, from its process or from the provider."""
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
        if self.provider.active_calls[call.process.name, run_of(call.key)] > 1:
            self.report(f"two executions of {run_of(call.key)} call an engine at the same time")
        if call.engine == "free":
            return
        if not call.process.lease.is_held:
            self.report(f"{call.process.name} submits {call.key} without its lease")
        row = self.of_key(call.key)
        if row is None or row.process != call.process.name or row.state != "marked":
            self.report(f"{call.process.name} submits {call.key}, which is recorded as {row}")

    def accepts(self, call: Call) -> None:
        """Check a submission that arrives: the run may have no other paid job that could be used."""
        self.note(f"{call.key}: arrives at the provider")
        if call.engine == "free":
            return
        row = self.of_key(call.key)
        if row is None or row.state not in ("marked", "unknown"):
            self.report(f"{call.key} arrives, which is recorded as {row}")
        run = self.rows.runs[run_of(call.key)]
        for job in self.provider.of_run(run.run_id):
            if not self._is_settled(job, run.fallback):
                self.report(f"{call.key} arrives although the run has already paid for {job}")

    def _is_settled(self, job: ProviderJob, fallback: dict[str, str] | None) -> bool:
        """Whether a run may be submitted again in spite of an earlier job of it."""
        row = self.of_key(job.key)
        if job.state in ("failed", "lost") or row is None:
            return True
        # The fallback model replaces a job that was silent for too long, but that job must be recorded.
        is_silent = job.hangs and row.ticket is not None
        # The answer to a call can reach only the process that made it.
        is_out_of_reach = job.engine == "call" and (job.process.is_gone or job.process.was_out_of_touch)
        return fallback is not None and fallback["model"] != row.model and (is_silent or is_out_of_reach)

    def cancels(self, job: ProviderJob) -> None:
        """Check the cancellation of a live job: no run may need it any more."""
        self.note(f"{job.key}: cancelled at the provider")
        run = self.rows.runs[job.run_id]
        row = self.of_key(job.key)
        is_wanted = not run.is_over and job.engine in ("exact", "blind", "machine") and not job.hangs
        if is_wanted and (row is None or row.state == "open"):
            self.report(f"{job} is cancelled although {_summary(run)} waits for it")

    def is_wasted(self, job: ProviderJob) -> bool:
        """Whether a job was finished and paid for, but its run has failed without a valid reason."""
        run, row = self.rows.runs[job.run_id], self.of_key(job.key)
        if not (job.is_paid and job.is_wanted and job.state == "finished" and run.state == "failed"):
            return False
        # Valid reasons: no worker could find it, reach it, or wait for it any longer.
        is_unknown = row is None or row.state == "unknown" or job.run_id in self.provider.broken
        is_out_of_reach = job.engine == "call" and (job.process.is_gone or job.process.was_out_of_touch)
        is_given_up = run.error_code in (CANCELLED, NOT_MOVING) or run.attempts >= _MOST_DEATHS
        return not (is_unknown or is_out_of_reach or is_given_up or job.hangs)

    # -- the processes' memory --------------------------------------------------------------------------

    def check_claims(self) -> None:
        """Check that each claim is in the memory of one process only."""
        for process in self.processes.values():
            if process.is_gone:
                continue
            for claim in process.worker.claims().items():
                if self._claims.setdefault(claim, process.name) != process.name:
                    self.report(f"{claim} is held by {process.name} and was by {self._claims[claim]}")

    def worker(self, worker_id: str) -> "Process":
        return next(one for one in self.processes.values() if one.worker_id == worker_id)

    def latest(self, run_id: str) -> SubmissionRow | None:
        """Return the last submission of a run."""
        rows = [row for (name, _), row in sorted(self.rows.submissions.items()) if name == run_id]
        return rows[-1] if rows else None

    def of_key(self, key: str) -> SubmissionRow | None:
        """Return the last submission under a key; a void submission leaves its key to the next."""
        rows = [row for _, row in sorted(self.rows.submissions.items()) if row.key == key]
        return rows[-1] if rows else None


def _summary(run: RunRow) -> Any:
    return (run.state, run.worker_id, run.claim, run.attempts, run.error_code)
