"""Any order of moves of several runs by several workers, beside a plain-Python model."""

from dataclasses import dataclass

import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
)

from support.machines import run_machine
from support.records import pending_run
from terrarium_server import ids, runs
from terrarium_server.runs import RunOutcome, RunState
from terrarium_server.store import Database

WORKERS = ["wrk_a", "wrk_b", "wrk_c"]
WORKER = st.sampled_from(WORKERS)


@dataclass
class Expected:
    """What a run should be by now."""

    state: RunState = "pending"
    worker: str | None = None
    progress: int = 0
    attempts: int = 0
    cost: int | None = None
    error: str | None = None

    @property
    def is_over(self) -> bool:
        return self.state in ("completed", "failed")


class RunMachine(RuleBasedStateMachine):
    """Every rule is one transaction; a move that is not legal changes nothing and says so."""

    known = Bundle("known")

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.database = database
        self.expected: dict[str, Expected] = {}
        with database.transaction() as tx:
            tx.execute(sa.delete(runs.runs))

    @rule(target=known)
    def record(self) -> str:
        run_id = ids.mint("run", now_ms=len(self.expected))
        with self.database.transaction() as tx:
            runs.record(tx, pending_run(run_id))
        self.expected[run_id] = Expected()
        return run_id

    @rule(worker=WORKER, count=st.integers(1, 3))
    def claim(self, worker: str, count: int) -> None:
        oldest = [run_id for run_id, run in sorted(self.expected.items()) if run.state == "pending"][:count]
        with self.database.transaction() as tx:
            claimed = runs.claim(tx, worker, count)
        assert [run.run_id for run in claimed] == oldest
        for run_id in oldest:
            run = self.expected[run_id]
            run.state, run.worker, run.attempts = "running", worker, run.attempts + 1
        assert [(run.state, run.worker_id) for run in claimed] == [("running", worker)] * len(claimed)

    @rule(run_id=known, percent=st.integers(0, 99))
    def advance(self, run_id: str, percent: int) -> None:
        with self.database.transaction() as tx:
            runs.advance(tx, run_id, percent)
        run = self.expected[run_id]
        if run.state == "running":
            run.progress = max(run.progress, percent)

    @rule(run_id=known, cost=st.integers(0, 250_000))
    def complete(self, run_id: str, cost: int) -> None:
        run = self.expected[run_id]
        with self.database.transaction() as tx:
            assert runs.complete(tx, run_id, cost) is (run.state == "running")
        if run.state == "running":
            run.state, run.progress, run.cost = "completed", 100, cost

    @rule(run_id=known, code=st.sampled_from(["SERVER_ERROR", "GENERATION_PROMPT_MODERATED"]))
    def fail(self, run_id: str, code: str) -> None:
        run = self.expected[run_id]
        with self.database.transaction() as tx:
            assert runs.fail(tx, run_id, RunOutcome(code, "why")) is not run.is_over
        if not run.is_over:
            run.state, run.progress, run.cost, run.error = "failed", 100, 0, code

    @rule(run_id=known, taken_from=WORKER, worker=WORKER)
    def take_over(self, run_id: str, taken_from: str, worker: str) -> None:
        run = self.expected[run_id]
        legal = run.state == "running" and run.worker == taken_from
        with self.database.transaction() as tx:
            assert runs.take_over(tx, run_id, taken_from, worker) is legal
        if legal:
            run.worker, run.attempts = worker, run.attempts + 1

    @rule(run_id=known, worker=WORKER)
    def requeue(self, run_id: str, worker: str) -> None:
        run = self.expected[run_id]
        legal = run.state == "running" and run.worker == worker
        with self.database.transaction() as tx:
            assert runs.requeue(tx, run_id, worker) is legal
        if legal:
            run.state, run.worker, run.attempts = "pending", None, run.attempts - 1

    @rule(run_id=known, worker=WORKER)
    def hand_on(self, run_id: str, worker: str) -> None:
        with self.database.transaction() as tx:
            runs.hand_on(tx, run_id, worker)
        if self.expected[run_id].state == "running":
            self.expected[run_id].worker = worker

    @invariant()
    def every_run_is_as_expected(self) -> None:
        with self.database.transaction() as tx:
            found = {run_id: runs.read_run(tx, run_id) for run_id in self.expected}
        for run_id, run in found.items():
            seen = Expected(
                run.state, run.worker_id, run.progress, run.attempts, run.cost_micros, run.error_code
            )
            assert seen == self.expected[run_id]
            assert (run.completed_at is not None) is run.is_over
            # What failed before anybody claimed it never began.
            assert (run.started_at is not None) is (run.worker_id is not None)

    @invariant()
    def orphans_are_the_running_runs_of_the_dead(self) -> None:
        for dead in WORKERS:
            live = [worker for worker in WORKERS if worker != dead]
            with self.database.transaction() as tx:
                found = [run.run_id for run in runs.orphans(tx, live)]
            ours = ((run_id, run) for run_id, run in sorted(self.expected.items()) if run.worker == dead)
            assert found == [run_id for run_id, run in ours if run.state == "running"]


def test_runs_make_only_legal_moves(database: Database) -> None:
    examples = 60 if database.is_sqlite else 15
    run_machine(lambda: RunMachine(database), examples=examples, steps=30)
