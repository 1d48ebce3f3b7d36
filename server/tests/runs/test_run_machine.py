"""Any order of moves of several runs by several workers, compared with a model in plain Python."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import zip_longest

import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, precondition, rule

from support.machines import run_machine
from support.records import pending_run, queue
from terrarium_server import ids, runs
from terrarium_server.runs import Run, RunOutcome, RunProgress, RunState
from terrarium_server.store import Database, Transaction

WORKERS = ["wrk_a", "wrk_b"]
# So few that every one of them is claimed many times.
RUNS = 3
ENGINES = ["acme", "rehearsal"]
WORKER = st.sampled_from(WORKERS)
ENGINE = st.sampled_from(ENGINES)
DEAD = st.sets(WORKER)
OUTCOME = st.sampled_from(["SERVER_ERROR", "GENERATION_PROMPT_MODERATED"]).map(
    lambda code: RunOutcome(code, "why")
)


@dataclass
class Expected:
    """The expected state of a run; ``shown`` is its last percent and preview."""

    engine: str
    state: RunState = "pending"
    worker: str | None = None
    claim: int = 0
    attempts: int = 0
    due: int | None = None
    started: int | None = None
    ended: int | None = None
    cost: int | None = None
    error: str | None = None
    fallback: dict[str, str] | None = None
    shown: tuple[int, str | None] | None = None
    shown_at: int = 0

    @property
    def is_over(self) -> bool:
        return self.state in ("completed", "failed")

    @property
    def is_ready(self) -> bool:
        return self.state == "pending" and self.due is None

    def is_held(self, run: Run) -> bool:
        """Whether the claim of ``run`` is still valid."""
        return (self.state, self.worker, self.claim) == ("running", run.worker_id, run.claim)

    def requeue(self) -> None:
        self.state, self.worker, self.started = "pending", None, None

    def end(self, state: RunState, now: int, cost: int, error: str | None = None) -> None:
        self.state, self.ended, self.cost, self.error = state, now, cost, error


class RunMachine(RuleBasedStateMachine):
    """Every rule is one transaction; a move that is not legal changes nothing and returns that.

    Moves are made with runs as they were when a worker claimed them (``claims``), however old by now.
    """

    run_ids = Bundle("run_ids")
    claims = Bundle("claims")

    def __init__(self, url: str) -> None:
        super().__init__()
        self.now = 1_800_000_000_000
        self.database = Database(
            url, clock_ms=lambda: self.now, clock=lambda: sa.literal(self.now, sa.BigInteger)
        )
        self.expected: dict[str, Expected] = {}
        with self.database.transaction() as tx:
            tx.execute(sa.delete(runs.runs))
            tx.execute(sa.delete(runs.run_progress))
            tx.execute(sa.delete(runs.turns))

    def teardown(self) -> None:
        self.database.close()

    @rule(milliseconds=st.integers(1, 3000))
    def time_passes(self, milliseconds: int) -> None:
        self.now += milliseconds

    @precondition(lambda self: len(self.expected) < RUNS)
    @rule(target=run_ids, engine=ENGINE)
    def record(self, engine: str) -> str:
        run_id = ids.mint("run", now_ms=len(self.expected))
        with self.database.transaction() as tx:
            queue(tx, pending_run(run_id, engine=engine))
        self.expected[run_id] = Expected(engine)
        return run_id

    @rule(
        target=claims,
        worker=WORKER,
        count=st.integers(1, 4),
        capacity=st.dictionaries(ENGINE, st.integers(1, 3), min_size=1),
    )
    def claim(self, worker: str, count: int, capacity: dict[str, int]) -> object:
        # The engines take turns; each one's oldest runs go first.
        of_engines = [self._ready_for(engine)[:most] for engine, most in capacity.items()]
        in_turn = [run_id for round in zip_longest(*of_engines) for run_id in round if run_id is not None]
        with self.database.transaction() as tx:
            claimed = runs.claim(tx, worker, count, capacity)
        assert [run.run_id for run in claimed] == in_turn[:count]
        for run_id in in_turn[:count]:
            run = self.expected[run_id]
            run.state, run.worker, run.claim, run.started = "running", worker, run.claim + 1, self.now
        for run in claimed:
            assert self.expected[run.run_id].is_held(run)
        return multiple(*claimed)

    # under a claim

    def _under_claim(self, run: Run, change: Callable[[Transaction], bool]) -> Expected | None:
        """Try a change under a claim; return the run's expected state, None if the claim is not valid."""
        expected = self.expected[run.run_id]
        is_held = expected.is_held(run)
        with self.database.transaction() as tx:
            assert runs.is_held(tx, run) is is_held
            assert change(tx) is is_held
        return expected if is_held else None

    @rule(run=claims, cost=st.integers(0, 250_000), outcome=OUTCOME, succeeds=st.booleans())
    def end(self, run: Run, cost: int, outcome: RunOutcome, *, succeeds: bool) -> None:
        def change(tx: Transaction) -> bool:
            return runs.complete(tx, run, cost) if succeeds else runs.fail(tx, run, outcome)

        if not (expected := self._under_claim(run, change)):
            return
        if succeeds:
            expected.end("completed", self.now, cost)
        else:
            expected.end("failed", self.now, 0, outcome.error_code)

    @rule(run=claims)
    def requeue(self, run: Run) -> None:
        if expected := self._under_claim(run, lambda tx: runs.requeue(tx, run)):
            expected.requeue()

    @rule(run=claims, delay=st.integers(1, 5000))
    def postpone(self, run: Run, delay: int) -> None:
        if expected := self._under_claim(run, lambda tx: runs.postpone(tx, run, delay)):
            expected.requeue()
            expected.due = self.now + delay

    @rule(run=claims, engine=ENGINE, outcome=OUTCOME)
    def fall_back(self, run: Run, engine: str, outcome: RunOutcome) -> None:
        def change(tx: Transaction) -> bool:
            return runs.fall_back(tx, run, engine=engine, model="t2t-second", outcome=outcome)

        if expected := self._under_claim(run, change):
            expected.requeue()
            expected.engine = engine
            expected.fallback = {
                "model": "t2t-second",
                "error_code": outcome.error_code,
                "error_message": outcome.error_message,
            }

    @rule(run=claims)
    def leave(self, run: Run) -> None:
        if expected := self._under_claim(run, lambda tx: runs.leave(tx, run)):
            expected.worker = None

    @rule(
        worker=WORKER,
        shown=st.lists(
            st.tuples(claims, st.integers(0, 99), st.sampled_from([None, "a", "b"])),
            max_size=3,
            unique_by=lambda one: one[0].run_id,
        ),
    )
    def write_progress(self, worker: str, shown: list[tuple[Run, int, str | None]]) -> None:
        progress = [
            RunProgress(run.run_id, run.root_run_id, run.claim, percent, preview)
            for run, percent, preview in shown
        ]
        with self.database.transaction() as tx:
            runs.write_progress(tx, worker, progress)
        for run, percent, preview in shown:
            expected = self.expected[run.run_id]
            if expected.is_held(replace(run, worker_id=worker)):
                before = expected.shown or (0, None)
                # Progress never goes back, and a preview is not removed.
                expected.shown = (max(percent, before[0]), preview or before[1])
                expected.shown_at = self.now

    # without a claim

    @rule(run_id=run_ids, outcome=OUTCOME, only_pending=st.booleans())
    def cancel_or_give_up(self, run_id: str, outcome: RunOutcome, *, only_pending: bool) -> None:
        expected = self.expected[run_id]
        legal = expected.state == "pending" or (expected.state == "running" and not only_pending)
        end = runs.give_up if only_pending else runs.cancel
        with self.database.transaction() as tx:
            assert end(tx, run_id, outcome) is legal
        if legal:
            expected.end("failed", self.now, 0, outcome.error_code)

    @rule(older_than=st.integers(0, 5000))
    def forget_progress(self, older_than: int) -> None:
        old = [
            run
            for run in self.expected.values()
            if run.shown is not None and run.state != "running" and run.shown_at < self.now - older_than
        ]
        with self.database.transaction() as tx:
            assert runs.forget_progress(tx, older_than_ms=older_than, limit=1000) == len(old)
        for run in old:
            run.shown = None

    @rule()
    def wake_postponed(self) -> None:
        due = [run for run in self._postponed() if run.due is not None and run.due <= self.now]
        with self.database.transaction() as tx:
            waits = [run.due - self.now for run in self._postponed() if run.due is not None]
            assert runs.milliseconds_to_next_due(tx) == (max(0, min(waits)) if waits else None)
            assert runs.wake_postponed(tx) == len(due)
        for run in due:
            run.due = None

    @rule(target=claims, run=claims, worker=WORKER, dead=DEAD, died=st.booleans())
    def take_over(self, run: Run, worker: str, dead: set[str], *, died: bool) -> object:
        legal = self._is_abandoned(run, dead)
        with self.database.transaction() as tx:
            taken = runs.take_over(tx, run, worker, abandoned(dead), died=died)
        assert (taken is not None) is legal
        if taken is None:
            return multiple()
        expected = self.expected[run.run_id]
        expected.worker, expected.claim = worker, expected.claim + 1
        expected.attempts += int(died)
        assert expected.is_held(taken)
        return taken

    @rule(run=claims, dead=DEAD, died=st.booleans())
    def requeue_abandoned(self, run: Run, dead: set[str], *, died: bool) -> None:
        legal = self._is_abandoned(run, dead)
        with self.database.transaction() as tx:
            assert runs.requeue_abandoned(tx, run, abandoned(dead), died=died) is legal
        if legal:
            expected = self.expected[run.run_id]
            expected.requeue()
            expected.attempts += int(died)

    # invariants

    def _ready_for(self, engine: str) -> list[str]:
        expected = sorted(self.expected.items())
        return [run_id for run_id, run in expected if run.is_ready and run.engine == engine]

    def _postponed(self) -> list[Expected]:
        return [run for run in self.expected.values() if run.state == "pending" and run.due is not None]

    def _is_abandoned(self, run: Run, dead: set[str]) -> bool:
        now = self.expected[run.run_id]
        has_no_worker = now.worker is None or now.worker in dead
        return now.state == "running" and now.claim == run.claim and has_no_worker

    @invariant()
    def every_run_is_as_expected(self) -> None:
        with self.database.transaction() as tx:
            recorded = {run_id: runs.read_run(tx, run_id) for run_id in self.expected}
            listed = runs.list_runs(tx, "ws_1", limit=1000)
        for run_id, run in recorded.items():
            expected = self.expected[run_id]
            actual = Expected(
                engine=str(run.engine),
                state=run.state,
                worker=run.worker_id,
                claim=run.claim,
                attempts=run.attempts,
                due=run.due_at,
                started=run.started_at,
                ended=run.completed_at,
                cost=run.cost_micros,
                error=run.error_code,
                fallback=run.fallback,
                shown=(run.percent, run.preview) if run.percent is not None else None,
                shown_at=expected.shown_at,
            )
            assert actual == expected
            shown = (expected.shown or (0, None))[0]
            assert run.progress == (100 if run.is_over else shown if run.state == "running" else 0)
            assert run.model == ("t2t-second" if expected.fallback else "t2t-rehearsal")
        assert listed == [recorded[run_id] for run_id in sorted(recorded, reverse=True)]

    @invariant()
    def queries_find_the_right_runs(self) -> None:
        with self.database.transaction() as tx:
            held = {worker: runs.held_by(tx, worker) for worker in WORKERS}
            waiting = {
                engine: [run.run_id for run in runs.pending_of(tx, engine, limit=2)] for engine in ENGINES
            }
            waited_for = runs.engines_waited_for(tx)
            assert runs.find_overlooked(tx) == set()
        running = {run_id: run for run_id, run in self.expected.items() if run.state == "running"}
        assert held == {
            worker: {run_id: run.claim for run_id, run in running.items() if run.worker == worker}
            for worker in WORKERS
        }
        by_engine = {engine: self._ready_for(engine) for engine in ENGINES}
        assert waiting == {engine: run_ids[:2] for engine, run_ids in by_engine.items()}
        assert waited_for == {engine for engine, run_ids in by_engine.items() if run_ids}


def abandoned(dead: set[str]) -> sa.ColumnElement[bool]:
    """The condition that a run's row has no worker, or one of these dead ones."""
    worker = runs.runs.c.worker_id
    return sa.or_(worker.is_(None), worker.in_(sorted(dead)))


def test_runs_make_only_legal_moves(migrated_url: str) -> None:
    examples = 40 if migrated_url.startswith("sqlite") else 10
    run_machine(lambda: RunMachine(migrated_url), examples=examples, steps=40)
