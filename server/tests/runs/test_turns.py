"""In which order runs are claimed: any order of moves, compared with a model of turns in plain Python."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TypeVar

import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    precondition,
    rule,
)

from support.machines import run_machine
from support.records import pending_run, queue
from terrarium_server import ids, runs
from terrarium_server.runs import Run, RunOutcome
from terrarium_server.store import Database

T = TypeVar("T")

ENGINES = ["paid", "sketch"]
WORKSPACES = ["ws_a", "ws_b", "ws_c"]
ENGINE, WORKSPACE = st.sampled_from(ENGINES), st.sampled_from(WORKSPACES)
# How many runs of the first engine may run over all workers.
LIMITS = {"paid": 3}
MOST_PENDING = 12
OUTCOME = RunOutcome("SERVER_ERROR", "why")


def round_robin(queues: Iterable[Sequence[T]]) -> list[T]:
    """The first of each, then the second of each, and so on."""
    return [one for turn in zip_longest(*queues) for one in turn if one is not None]


@dataclass
class Turn:
    """A workspace at an engine."""

    last_served: int = 0
    since: int = 0
    waits: bool = False


@dataclass
class Queued:
    """A run that is pending."""

    engine: str
    workspace_id: str
    rank: int
    due: int | None = None


class Turns(RuleBasedStateMachine):
    """Every rule is one transaction."""

    claims = Bundle("claims")

    def __init__(self, url: str) -> None:
        super().__init__()
        self.now = 1_800_000_000_000
        self.database = Database(
            url, clock_ms=lambda: self.now, clock=lambda: sa.literal(self.now, sa.BigInteger)
        )
        with self.database.transaction() as tx:
            for table in (runs.runs, runs.turns, runs.engines):
                tx.execute(sa.delete(table))
        self.pending: dict[str, Queued] = {}
        self.running: dict[str, Queued] = {}
        self.turns = {(engine, name): Turn() for engine in ENGINES for name in WORKSPACES}
        self.served = dict.fromkeys(ENGINES, 0)
        self.minted = 0

    def teardown(self) -> None:
        self.database.close()

    # the model

    def wake(self, run: Queued) -> None:
        turn = self.turns[run.engine, run.workspace_id]
        if not turn.waits:
            turn.waits, turn.since = True, self.now

    def ready(self, engine: str, workspace_id: str) -> list[str]:
        """A workspace's ready runs for an engine, the next one first."""
        found = [
            (run.rank, run_id)
            for run_id, run in self.pending.items()
            if (run.engine, run.workspace_id) == (engine, workspace_id) and run.due is None
        ]
        return [run_id for _, run_id in sorted(found)]

    def in_turn(self, engine: str) -> list[str]:
        """All ready runs of an engine, in the order in which they would be claimed now."""
        order = sorted(
            WORKSPACES,
            key=lambda name: (self.turns[engine, name].last_served, self.turns[engine, name].since, name),
        )
        return round_robin([self.ready(engine, name) for name in order])

    # the rules

    @rule(milliseconds=st.integers(1, 3000))
    def time_passes(self, milliseconds: int) -> None:
        self.now += milliseconds

    @precondition(lambda self: len(self.pending) < MOST_PENDING)
    @rule(engine=ENGINE, workspace_id=WORKSPACE, rank=st.integers(-1, 1), count=st.integers(1, 4))
    def admit(self, engine: str, workspace_id: str, rank: int, count: int) -> None:
        admitted: list[Run] = []
        for _ in range(count):
            self.minted += 1
            run_id = ids.mint("run", now_ms=self.minted)
            admitted.append(pending_run(run_id, engine=engine, workspace_id=workspace_id, rank=rank))
            self.pending[run_id] = Queued(engine, workspace_id, rank)
            self.wake(self.pending[run_id])
        with self.database.transaction() as tx:
            queue(tx, *admitted)

    @rule(
        target=claims,
        worker=st.sampled_from(["wrk_a", "wrk_b"]),
        count=st.integers(1, 8),
        capacity=st.permutations(ENGINES).flatmap(
            lambda names: st.tuples(*(st.tuples(st.just(name), st.integers(1, 5)) for name in names))
        ),
    )
    def claim(self, worker: str, count: int, capacity: tuple[tuple[str, int], ...]) -> object:
        using = Counter(run.engine for run in self.running.values())
        free = {
            name: min(most, LIMITS[name] - using[name]) if name in LIMITS else most for name, most in capacity
        }
        could = {name: self.in_turn(name)[:most] for name, most in free.items()}
        with self.database.transaction() as tx:
            claimed = runs.claim(tx, worker, count, dict(capacity), LIMITS)
        run_ids = [run.run_id for run in claimed]
        assert len(run_ids) <= count
        assert bool(run_ids) is any(could.values())
        of_engines = [[run.run_id for run in claimed if run.engine == name] for name in could]
        # The engines alternate, and each one's runs are those whose turn it is.
        assert run_ids == round_robin(of_engines)
        for taken, next_ones in zip(of_engines, could.values(), strict=True):
            assert taken == next_ones[: len(taken)]
            assert taken or not next_ones or len(run_ids) == count
        for run in claimed:
            queued = self.running[run.run_id] = self.pending.pop(run.run_id)
            self.served[queued.engine] += 1
            self.turns[queued.engine, queued.workspace_id].last_served = self.served[queued.engine]
        for turn in {(str(run.engine), run.workspace_id) for run in claimed}:
            self.turns[turn].waits = bool(self.ready(*turn))
        return multiple(*claimed)

    @rule(run=consumes(claims))
    def complete(self, run: Run) -> None:
        with self.database.transaction() as tx:
            assert runs.complete(tx, run, 1)
        del self.running[run.run_id]

    @rule(run=consumes(claims))
    def requeue(self, run: Run) -> None:
        with self.database.transaction() as tx:
            assert runs.requeue(tx, run)
        queued = self.pending[run.run_id] = self.running.pop(run.run_id)
        self.wake(queued)

    @rule(run=consumes(claims), engine=ENGINE)
    def fall_back(self, run: Run, engine: str) -> None:
        with self.database.transaction() as tx:
            assert runs.fall_back(tx, run, engine=engine, model="t2t-second", outcome=OUTCOME)
        queued = self.pending[run.run_id] = self.running.pop(run.run_id)
        queued.engine = engine
        self.wake(queued)

    @rule(run=consumes(claims), delay=st.integers(1, 5000))
    def postpone(self, run: Run, delay: int) -> None:
        with self.database.transaction() as tx:
            assert runs.postpone(tx, run, delay)
        queued = self.pending[run.run_id] = self.running.pop(run.run_id)
        queued.due = self.now + delay

    @rule()
    def wake_postponed(self) -> None:
        due = [run for run in self.pending.values() if run.due is not None and run.due <= self.now]
        with self.database.transaction() as tx:
            assert runs.wake_postponed(tx) == len(due)
        for run in due:
            run.due = None
            self.wake(run)

    @rule(engine=ENGINE, workspace_id=WORKSPACE)
    def cancel_all(self, engine: str, workspace_id: str) -> None:
        """Cancel a workspace's ready runs; its turn waits in vain then."""
        for run_id in self.ready(engine, workspace_id):
            with self.database.transaction() as tx:
                assert runs.cancel(tx, run_id, OUTCOME)
            del self.pending[run_id]

    @rule()
    def end_idle_turns(self) -> None:
        idle = [turn for names, turn in self.turns.items() if turn.waits and not self.ready(*names)]
        with self.database.transaction() as tx:
            assert runs.end_idle_turns(tx) == len(idle)
        for turn in idle:
            turn.waits = False

    @invariant()
    def no_ready_run_is_overlooked(self) -> None:
        with self.database.transaction() as tx:
            assert runs.find_overlooked(tx) == set()

    @rule()
    def read_positions(self) -> None:
        with self.database.transaction() as tx:
            for engine in ENGINES:
                for position, run_id in enumerate(self.in_turn(engine)):
                    assert runs.queue_position(tx, runs.read_run(tx, run_id)) == position
                using = Counter(run.engine for run in self.running.values())
                assert runs.running_count(tx, engine) == using[engine]
            for run_id in (*self.running, *(name for name, run in self.pending.items() if run.due)):
                assert runs.queue_position(tx, runs.read_run(tx, run_id)) is None


def test_runs_are_claimed_in_turn(migrated_url: str) -> None:
    examples = 60 if migrated_url.startswith("sqlite") else 15
    run_machine(lambda: Turns(migrated_url), examples=examples, steps=30)


def claim_one(database: Database) -> Run:
    with database.transaction() as tx:
        [run] = runs.claim(tx, "wrk_a", 1, {"rehearsal": 1})
        assert runs.complete(tx, run, 1)
    return run


def test_a_workspace_that_starts_one_run_at_a_time_gets_as_many_turns_as_others(database: Database) -> None:
    with database.transaction() as tx:
        for name in ("ws_b", "ws_c"):
            queue(tx, *(pending_run(f"run_{name}_{number}", workspace_id=name) for number in range(30)))
        queue(tx, pending_run("run_ws_a_0", workspace_id="ws_a"))
    shares: Counter[str] = Counter()
    for number in range(1, 61):
        served = claim_one(database).workspace_id
        shares[served] += 1
        if served == "ws_a":
            # Only now: it has waited for nothing since its run was claimed.
            with database.transaction() as tx:
                queue(tx, pending_run(f"run_ws_a_{number}", workspace_id="ws_a"))
    assert shares == {"ws_a": 20, "ws_b": 20, "ws_c": 20}


def test_a_position_counts_no_more_than_a_thousand_runs(database: Database) -> None:
    with database.transaction() as tx:
        waiting = [pending_run(f"run_{number:04}", workspace_id="ws_a") for number in range(1100)]
        tx.execute(runs.RECORD, [runs.record_values(run) for run in waiting])
        runs.wake(tx, [("rehearsal", "ws_a")])
        queue(tx, pending_run("run_b", workspace_id="ws_b"))
        positions = [runs.queue_position(tx, waiting[ahead]) for ahead in (0, 1, 998, 999, 1000, 1099)]
    assert positions == [0, 2, 999, 1000, 1000, 1000]
