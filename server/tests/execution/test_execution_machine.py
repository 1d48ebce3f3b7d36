"""A state machine: any sequence of work, time, suspensions, deaths and faults; a provider counts the jobs.

The workers, their leases and their writes are real, see `simulation`; the rules are in `observer`. At the end
of each example all faults are repaired, and then nothing may be left over.
"""

import logging
import math
from pathlib import Path
from typing import Any, Literal, TypeVar

import pytest
import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import event

from support.machines import run_machine
from support.records import pending_run, queue
from support.server import new_account
from terrarium_server import accounts, ledger, runs, settlement
from terrarium_server.ledger import entries
from terrarium_server.rates import Rate
from terrarium_server.store import Blobs, Database, Transaction, metadata

from .observer import CANCELLED, Event, Rows
from .provider import ENGINES, FALLBACK, MODELS, SILENCE, End, Refusal
from .simulated_loop import Clock
from .simulation import LEASE_SECONDS, FaultKind, Simulation, Trap, simulate

T = TypeVar("T")

PRICE = 250_000
MOST_RUNS = 6
CAP = MOST_RUNS * PRICE
MACHINES = ["a", "b"]
MOST_LIVING, MOST_PROCESSES = 3, 8
_DAY = 24 * 60 * 60.0

Fate = Literal["stop", "die", "drain", "drain without waiting"]
FATES: list[Fate] = ["stop", "stop", "die", "drain", "drain without waiting"]
MODEL = st.sampled_from(sorted(MODELS))
PICK = st.integers(0, 7)
STEPS = st.integers(1, 12)
EVENTS: list[Event] = [
    "before a call",
    "a claim",
    "a mark",
    "a mark",
    "a ticket",
    "a refusal",
    "an unknown",
    "an end",
    "a write",
]
FAULT_KINDS: list[FaultKind] = ["stop", "die", "lose the answer", "cut off"]
AT, THEN = st.sampled_from(EVENTS), st.sampled_from(FAULT_KINDS)
CALLS = ["arrives", "is answered", "is answered", "breaks off"]
ENDS: list[End] = ["finished", "finished", "failed", "failed for now", "busy", "lost", "hangs"]
REFUSALS: list[Refusal] = ["busy", "final"]


def some(things: list[T], pick: int) -> T:
    return things[pick % len(things)]


class ExecutionMachine(RuleBasedStateMachine):
    """A few runs, a few workers, and any faults."""

    def __init__(self, database: Database, clock: Clock, blobs: Blobs) -> None:
        super().__init__()
        self.database, self.clock, self.blobs = database, clock, blobs
        clock.now = 0.0
        self.admitted: list[str] = []
        self.cancelled: set[str] = set()
        with database.transaction() as tx:
            for table in reversed(metadata.sorted_tables):
                tx.execute(sa.delete(table))
            self.account = new_account(tx, credits=100)
            key = accounts.create_key(tx, self.account.workspace_id, spending_cap_micros=CAP)
            self.key_id = key.key_id
            self.granted = ledger.read_balance(tx, self.account.workspace_id)

    @initialize(
        single_process=st.booleans(),
        all_die=st.booleans(),
        workers=st.integers(1, 2),
        models=st.lists(MODEL, min_size=1, max_size=3),
        slow=st.booleans(),
        trap=st.none() | st.builds(Trap, AT, THEN),
    )
    def open(
        self,
        single_process: bool,
        all_die: bool,
        workers: int,
        models: list[str],
        slow: bool,
        trap: Trap | None,
    ) -> None:
        self.simulation = Simulation(self.database, self.clock, self.blobs, single_process=single_process)
        logging.getLogger("terrarium_server.execution").addHandler(self.simulation.observer)
        self.all_die = all_die
        self.simulation.provider.is_slow = slow
        for _ in range(1 if single_process else workers):
            self.simulation.start("a", ENGINES)
        self.simulation.processes[0].database.trap = trap
        for model in models:
            self.admit(model, notify=True)

    # -- callers ----------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.admitted) < MOST_RUNS)
    @rule(model=MODEL, notify=st.booleans())
    def admit(self, model: str, notify: bool) -> None:
        run_id = f"run_{len(self.admitted) + 1}"
        run = pending_run(
            run_id,
            workspace_id=self.account.workspace_id,
            project_id=None,
            node_id=None,
            subject=model,
            engine=MODELS[model],
            held_micros=PRICE,
            actor=f"key:{self.key_id}",
        )
        with self.database.transaction() as tx:
            accounts.spend(tx, self.key_id, PRICE)
            ledger.hold(tx, run.workspace_id, run_id, PRICE, Rate(1_000_000))
            queue(tx, run)
            rows = self.simulation.observer.read(tx)
        self.simulation.observer.wrote(None, rows)
        self.admitted.append(run_id)
        if notify:
            for process in self.simulation.of("running", "stopped"):
                process.loop.call_soon(process.worker.wake)
            self.simulation.settle()

    @rule(pick=PICK, notify=st.booleans())
    def cancel(self, pick: int, notify: bool) -> None:
        run_id = some(self.admitted, pick)
        with self.database.transaction() as tx:
            if settlement.cancel(tx, runs.read_run(tx, run_id), actor="system"):
                self.cancelled.add(run_id)
            rows = self.simulation.observer.read(tx)
        self.simulation.observer.wrote(None, rows)
        for process in self.simulation.of("running", "stopped") if notify else []:
            process.loop.call_soon(process.worker.stop_runs, [run_id])

    # -- time -------------------------------------------------------------------------------------------

    @rule()
    def a_moment(self) -> None:
        self.simulation.advance(0.6)

    @rule(seconds=st.sampled_from([1.0, 7.0, LEASE_SECONDS + 5, 70.0, SILENCE + 65.0]))
    def advance(self, seconds: float) -> None:
        self.simulation.advance(seconds)

    @precondition(lambda self: self.simulation.of("running"))
    @rule(pick=PICK, steps=STEPS)
    def step(self, pick: int, steps: int) -> None:
        some(self.simulation.of("running"), pick).step(steps)

    @precondition(lambda self: self.simulation.of("running"))
    @rule(pick=PICK, between=st.sampled_from([0, 0, 5, 50]))
    def renew(self, pick: int, between: int) -> None:
        some(self.simulation.of("running"), pick).renew(between)

    # -- processes --------------------------------------------------------------------------------------

    @precondition(lambda self: self.simulation.of("running"))
    @rule(pick=PICK, fate=st.sampled_from(FATES))
    def process_meets(self, pick: int, fate: Fate) -> None:
        process = some(self.simulation.of("running"), pick)
        match fate:
            case "stop":
                process.stop()
            case "die":
                process.die()
            case "drain":
                process.drain(10.0, skip_waiting=False)
            case "drain without waiting":
                process.drain(0.0, skip_waiting=True)

    @precondition(lambda self: self.simulation.of("stopped"))
    @rule(pick=PICK, dies=st.sampled_from([False, False, True]))
    def goes_on(self, pick: int, dies: bool) -> None:
        process = some(self.simulation.of("stopped"), pick)
        if dies:
            process.die()
        else:
            process.go_on()

    def can_start(self) -> bool:
        living = len(self.simulation.of("running", "stopped"))
        return (
            living < (1 if self.simulation.single_process else MOST_LIVING)
            and len(self.simulation.processes) < MOST_PROCESSES
        )

    @precondition(can_start)
    @rule(machine=st.sampled_from(["a", "a", "b"]), has_all=st.sampled_from([True, True, False]))
    def start(self, machine: str, has_all: bool) -> None:
        if self.simulation.single_process:
            machine, has_all = "a", True
        self.simulation.start(machine, ENGINES if has_all else ENGINES[:2])

    # -- the database -----------------------------------------------------------------------------------

    @precondition(lambda self: self.simulation.of("running"))
    @rule(pick=PICK, at=AT, then=THEN, settles=st.booleans())
    def set_trap(self, pick: int, at: Event, then: FaultKind, settles: bool) -> None:
        some(self.simulation.of("running"), pick).database.trap = Trap(at, then)
        if settles:
            self.simulation.settle()

    @precondition(lambda self: self.simulation.of("running"))
    @rule(pick=PICK, times=st.sampled_from([1, 2, 3, math.inf]), after=st.booleans())
    def database_fails(self, pick: int, times: float, after: bool) -> None:
        process = some(self.simulation.of("running"), pick)
        process.was_out_of_touch = True
        if after and times < math.inf:
            process.database.losing = int(times)
        else:
            process.database.failing = times

    @precondition(lambda self: any(one.database.failing for one in self.simulation.of("running", "stopped")))
    @rule()
    def database_is_back(self) -> None:
        for process in self.simulation.processes:
            process.database.failing = 0

    # -- the provider -----------------------------------------------------------------------------------

    @precondition(lambda self: self.simulation.provider.calls)
    @rule(pick=PICK, how=st.sampled_from(CALLS))
    def call_goes_on(self, pick: int, how: Literal["arrives", "is answered", "breaks off"]) -> None:
        provider = self.simulation.provider
        call = some(provider.calls, pick)
        if call.result is None and how != "breaks off":
            provider.accept(call)
        if how == "is answered":
            provider.answer(call)
        elif how == "breaks off":
            provider.break_off(call)

    @precondition(lambda self: self.simulation.provider.live)
    @rule(pick=PICK, how=st.sampled_from(ENDS))
    def job_ends(self, pick: int, how: End) -> None:
        provider = self.simulation.provider
        provider.end(some(provider.live, pick), how)

    @rule(slow=st.booleans(), cancels=st.integers(0, 2), finds=st.integers(0, 2))
    def provider_changes(self, slow: bool, cancels: int, finds: int) -> None:
        provider = self.simulation.provider
        provider.is_slow, provider.cancels_failing, provider.finds_failing = slow, cancels, finds

    @rule(how=st.sampled_from(REFUSALS), times=st.integers(1, 3), early=st.booleans())
    def provider_refuses(self, how: Refusal, times: int, early: bool) -> None:
        provider = self.simulation.provider
        refusals: list[Refusal] = [how] * times
        (provider.early_refusals if early else provider.refusals)[:] = refusals

    # -- invariants -------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_wrong(self) -> None:
        observer = self.simulation.observer
        observer.check_claims()
        with self.database.transaction() as tx:
            rows = observer.read(tx)
            self.check_ledger(tx, rows)
        assert rows.runs == observer.rows.runs
        for process in self.simulation.of("running", "stopped"):
            # A worker never considers its lease held longer than the database does.
            if process.lease.is_held and not self.simulation.single_process:
                assert rows.leases[process.worker_id] >= self.clock.milliseconds()
        assert observer.violations == [], observer.history_text

    def check_ledger(self, tx: Transaction, rows: Rows) -> None:
        workspace = self.account.workspace_id
        columns = (entries.c.run_id, entries.c.kind, entries.c.amount_micros)
        actual = sorted(map(tuple, tx.execute(sa.select(*columns).where(entries.c.run_id.is_not(None)))))
        expected: list[Any] = []
        for run_id in self.admitted:
            run = rows.runs[run_id]
            assert (run.error_code == CANCELLED) is (run_id in self.cancelled)
            assert len(rows.outputs.get(run_id, [])) == (run.state == "completed")
            assert run.cost_micros == {"completed": PRICE, "failed": 0}.get(run.state)
            expected.append((run_id, "hold", -PRICE))
            if run.is_over:
                end = ("settle", 0) if run.state == "completed" else ("release", PRICE)
                expected.append((run_id, *end))
        assert actual == sorted(expected)
        assert ledger.check(tx) == []
        unpaid = PRICE * sum(rows.runs[run_id].state != "failed" for run_id in self.admitted)
        assert ledger.read_balance(tx, workspace) == self.granted - unpaid
        spent = {key.key_id: key.spent_micros for key in accounts.list_keys(tx, workspace)}
        assert spent[self.key_id] == unpaid

    # -- the end ----------------------------------------------------------------------------------------

    def teardown(self) -> None:
        if not hasattr(self, "simulation"):
            return
        simulation = self.simulation
        try:
            self.heal()
            self.live_on(until_over=True)
            self.nothing_is_wrong()
            self.nothing_is_left()
        finally:
            for process in simulation.processes:
                process.discard()
            logging.getLogger("terrarium_server.execution").removeHandler(simulation.observer)

    def heal(self) -> None:
        """Repair the database and the provider, resume or kill all processes, and start fresh workers."""
        simulation = self.simulation
        for process in simulation.of("running", "stopped"):
            process.database.trap = None
            process.database.failing = process.database.losing = 0
            if self.all_die:
                process.die()
            else:
                process.go_on()
        simulation.provider.heal()
        simulation.settle()
        if not simulation.single_process:
            for machine in MACHINES:
                simulation.start(machine, ENGINES)
        elif not simulation.of("running"):
            simulation.start("a", ENGINES)

    def live_on(self, *, until_over: bool) -> None:
        """Let the provider finish its jobs until all runs have ended, and the periodic tasks are done."""
        simulation = self.simulation
        for _ in range(150):
            for job in simulation.provider.live:
                simulation.provider.end(job, "finished")
            simulation.advance(8.0)
            if simulation.single_process and not simulation.of("running"):
                simulation.start("a", ENGINES)
            if all(run.is_over for run in simulation.observer.rows.runs.values()):
                break
        for jump in (0.0, _DAY):
            simulation.clock.now += jump
            simulation.advance(160.0)
            if not any(row.is_live for row in simulation.observer.rows.submissions.values()):
                return

    def nothing_is_left(self) -> None:
        observer, provider = self.simulation.observer, self.simulation.provider
        rows = observer.rows
        for run in rows.runs.values():
            assert run.is_over, f"{observer.history_text}{run} does not end"
            if run.fallback is not None and run_failed(run.error_code) and run.attempts < 5:
                tried = (run.run_id, FALLBACK[run.subject]) in provider.tried
                assert tried, f"{observer.history_text}the second model was not tried for {run}"
        for row in rows.submissions.values():
            assert not row.is_live, f"{observer.history_text}{row} is left over"
        for job in provider.live:
            row = observer.of_key(job.key)
            is_known = row is not None and row.state == "unknown"
            assert is_known, f"{observer.history_text}{job} is live, but is recorded as {row}"
        for job in provider.made:
            assert not observer.is_wasted(job), f"{observer.history_text}{job} was paid for and is not used"


def run_failed(code: str | None) -> bool:
    return code is not None and code not in (CANCELLED, "GENERATION_QUEUE_NOT_MOVING")


def test_runs_end_once_and_are_paid_for_once_whatever_happens(
    migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulate(monkeypatch)
    # Only the observer handles the product's errors.
    logger = logging.getLogger("terrarium_server.execution")
    monkeypatch.setattr(logger, "propagate", False)
    monkeypatch.setattr(logger, "disabled", False)
    clock = Clock()
    database = Database(migrated_url, clock=clock.expression, clock_ms=clock.milliseconds)
    if database.is_sqlite:
        event.listen(
            database.engine,
            "connect",
            lambda connection, _record: connection.execute("PRAGMA synchronous=OFF"),
        )
    blobs = Blobs(tmp_path / "media")
    examples = 60 if database.is_sqlite else 20
    # The same examples every time, so that a failure appears with the change that causes it.
    run_machine(
        lambda: ExecutionMachine(database, clock, blobs), examples=examples, steps=40, derandomize=True
    )
    database.close()
