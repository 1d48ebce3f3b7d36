"""Workers in simulated time: each has its own event loop, its own lease, and faulty access to one database.

Everything is the product's code except the clocks, the loops, the calls into the database and the engines.
The test runs a loop handle by handle, so that a process can be stopped or killed between any two of them.
"""

import asyncio
import math
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import pytest
from sqlalchemy.exc import OperationalError

from terrarium_server.catalog import Catalog
from terrarium_server.engines.registry import Engines
from terrarium_server.execution import Context
from terrarium_server.execution._launch import _LONGEST_HANG, _RENEWALS_IN_A_LEASE
from terrarium_server.execution._lease import Lease, Renewal
from terrarium_server.execution._worker import Worker
from terrarium_server.store import Blobs, Database, Transaction

from .observer import Event, Observer, count_changes
from .provider import FALLBACK, MODELS, Provider, SimulatedEngine, card
from .simulated_loop import Clock, SimulatedLoop

T = TypeVar("T")

LEASE_SECONDS = 30.0
CAPACITY = 4
LIMITS = {"exact": 2}
# Often enough for runs without a wake-up; each poll costs the test some milliseconds.
_POLL_SECONDS = 5.0
_GRAIN_SECONDS = 0.5
_MOST_STEPS = 20_000

FaultKind = Literal["stop", "die", "lose the answer", "cut off"]


@dataclass(slots=True)
class Trap:
    """A fault of a process at its next write of a kind: right before it or right after its commit."""

    at: Event
    then: FaultKind


class FaultyDatabase(Database):
    """The database as one process sees it; each call is one handle of the process's loop."""

    def __init__(self, process: "Process", real: Database, observer: Observer) -> None:
        self.url, self.is_sqlite, self.notifications = real.url, real.is_sqlite, real.notifications
        self._process = process
        self._real = real
        self._observer = observer
        # How many of the next calls fail: before their work, or after its commit.
        self.failing = 0.0
        self.losing = 0
        self.trap: Trap | None = None

    @property
    def is_well(self) -> bool:
        return not (self.failing or self.losing)

    async def write_for_worker(self, work: Callable[[Transaction], T]) -> T:
        return await self._ask(lambda: self._write(work))

    async def read(self, work: Callable[[Transaction], T]) -> T:
        return await self._ask(lambda: self._read(work))

    @contextmanager
    def renewal(self) -> Generator[Transaction]:
        self._fail()
        with self._real.transaction() as tx:
            yield tx
        self._lose()

    async def _ask(self, call: Callable[[], T]) -> T:
        if self._process.is_discarded:
            raise asyncio.CancelledError
        # As in the product, a call continues even if its caller is cancelled.
        answer: asyncio.Future[T] = self._process.loop.create_future()
        self._process.loop.call_soon(self._perform, call, answer)
        return await answer

    def _perform(self, call: Callable[[], T], answer: asyncio.Future[T]) -> None:
        if self.trap is not None and self.trap.at == "before a call":
            # The call is made once the process continues, if it does.
            self._process.loop.call_soon(self._perform, call, answer)
            self._spring()
            return
        try:
            result = call()
        except Exception as error:
            if not answer.cancelled():
                answer.set_exception(error)
            return
        if not answer.cancelled():
            answer.set_result(result)

    def _write(self, work: Callable[[Transaction], T]) -> T:
        self._fail()
        with self._real.transaction() as tx:
            before = count_changes(tx)
            result = work(tx)
            rows = self._observer.read(tx) if count_changes(tx) != before else None
        events = self._observer.wrote(self._process, rows) if rows is not None else set[Event]()
        if self.trap is not None and self.trap.at in events:
            self._spring()
        self._lose()
        return result

    def _read(self, work: Callable[[Transaction], T]) -> T:
        self._fail()
        with self._real.transaction() as tx:
            return work(tx)

    def _spring(self) -> None:
        assert self.trap is not None
        then, self.trap = self.trap.then, None
        if then == "stop":
            self._process.stop()
        elif then == "die":
            self._process.die()
        else:
            self._process.was_out_of_touch = True
            self.losing += 1
            self.failing = math.inf if then == "cut off" else 0.0

    def _fail(self) -> None:
        if self.failing:
            self.failing = max(0.0, self.failing - 1)
            raise OperationalError("a call", None, Exception("the database is away"))

    def _lose(self) -> None:
        if self.losing:
            self.losing -= 1
            raise OperationalError("a call", None, Exception("the answer is lost"))


class Process:
    """A worker's process: does what `Workers` does, without its threads."""

    def __init__(
        self, simulation: "Simulation", number: int, machine: str, engines: list[str], *, single_process: bool
    ) -> None:
        self.worker_id = f"wrk_{number}"
        self.machine = machine
        self.name = f"{machine} {number} 0"
        self.state: Literal["running", "stopped", "gone"] = "running"
        self.is_discarded = False
        # Whether others may have taken it for dead.
        self.was_out_of_touch = False
        self.loop = SimulatedLoop(simulation.clock, simulation.observer.report)
        self.database = FaultyDatabase(self, simulation.database, simulation.observer)
        self.engines = [SimulatedEngine(name, self, simulation.provider) for name in engines]
        self._simulation = simulation
        self._clock = simulation.clock
        self.lease = Lease(
            self.database,
            self.worker_id,
            machine=machine,
            engines=" ".join(engines),
            seconds=LEASE_SECONDS,
            single_process=single_process,
            is_current=lambda _tx: True,
            clock=lambda: simulation.clock.now,
        )
        with self.current():
            context = Context(
                worker_id=self.worker_id,
                database=self.database,
                blobs=simulation.blobs,
                catalog=simulation.catalog,
                engines=Engines(self.engines, LIMITS),
                weights=Path("nowhere"),
                temporary=Path("nowhere"),
                single_process=single_process,
                is_current=lambda _tx: True,
                fallback=FALLBACK,
            )
            first = self.lease.renew()
            self.worker = Worker(context, self.lease, capacity=CAPACITY)
            self._stop_asked, self._skip_waiting = asyncio.Event(), asyncio.Event()
            self._drain_seconds = 0.0
            self._serving = self.loop.create_task(self._serve())
            self._apply(first, {})
        self.next_renewal = self._clock.now + LEASE_SECONDS / _RENEWALS_IN_A_LEASE

    @property
    def is_running(self) -> bool:
        return self.state == "running"

    @property
    def is_gone(self) -> bool:
        return self.state == "gone"

    @property
    def is_draining(self) -> bool:
        return self._stop_asked.is_set()

    @contextmanager
    def current(self) -> Generator[None]:
        """Make this the current process within the block."""
        before = _current[:]
        _current[:] = [self]
        try:
            yield
        finally:
            _current[:] = before

    def step(self, most: int = 1) -> int:
        """Run some handles of the loop; return how many there were."""
        done = 0
        with self.current():
            while done < most and self.is_running and self.loop.step():
                done += 1
        if self.is_running and self._serving.done():
            self._leave()
        return done

    def renew(self, steps_between: int = 0) -> None:
        """Renew the lease as `Workers` does; meanwhile the loop may make some steps."""
        self.next_renewal = self._clock.now + LEASE_SECONDS / _RENEWALS_IN_A_LEASE
        if self._clock.now - self.worker.ticked_at > _LONGEST_HANG:
            return
        before = self.worker.claims()
        self.step(steps_between)
        if not self.is_running:
            return
        with self.current():
            try:
                renewal = self.lease.renew()
            except OperationalError:
                return
            self._apply(renewal, before)

    def stop(self) -> None:
        """SIGSTOP."""
        self.state = "stopped"
        self.was_out_of_touch = True

    def go_on(self) -> None:
        """SIGCONT."""
        self.state = "running"

    def die(self) -> None:
        """SIGKILL."""
        self.was_out_of_touch = True
        self._end()

    def drain(self, seconds: float, *, skip_waiting: bool) -> None:
        """SIGTERM; with ``skip_waiting`` twice."""
        self._drain_seconds = seconds
        self._stop_asked.set()
        if skip_waiting:
            self._skip_waiting.set()

    def discard(self) -> None:
        """Close the remaining coroutines; everything that they still try is cancelled."""
        self.is_discarded = True
        self.state = "running"
        for _ in range(100):
            left = asyncio.all_tasks(self.loop)
            if not left:
                break
            for task in left:
                task.cancel()
            with self.current():
                while self.loop.step():
                    pass
        self.state = "gone"

    async def _serve(self) -> None:
        work = asyncio.create_task(self.worker.work())
        stop = asyncio.create_task(self._stop_asked.wait())
        await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            await self.worker.drain(self._drain_seconds, self._skip_waiting)
            work.cancel()
        await asyncio.wait({work})
        for engine in self.engines:
            await engine.close()
        if not work.cancelled() and not self.is_discarded:
            self._simulation.observer.report(f"a worker ended unexpectedly: {work.exception()!r}")
        # As `asyncio.run` does at its end.
        left = asyncio.all_tasks() - {self._serving}
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)

    def _leave(self) -> None:
        with self.current():
            try:
                self.lease.release()
            except OperationalError:
                self.was_out_of_touch = True
        self._end()

    def _end(self) -> None:
        self.state = "gone"
        self._simulation.provider.process_ended(self)

    def _apply(self, renewal: Renewal, before: dict[str, int]) -> None:
        async def apply() -> None:
            try:
                await self.worker.renewed(renewal, before)
            except OperationalError:
                pass
            except Exception as error:
                self._simulation.observer.report(f"taking over runs failed: {error!r}")

        self.loop.create_task(apply())


class Simulation:
    """All processes, the provider and the clock."""

    def __init__(self, database: Database, clock: Clock, blobs: Blobs, *, single_process: bool) -> None:
        self.database = database
        self.clock = clock
        self.blobs = blobs
        self.single_process = single_process
        self.observer = Observer(clock.milliseconds, LIMITS, single_process=single_process)
        self.provider = Provider(self.observer)
        self.catalog = Catalog([card(model) for model in MODELS])
        self.processes: list[Process] = []

    def start(self, machine: str, engines: list[str]) -> Process:
        """Start a process with a worker."""
        process = Process(self, len(self.processes) + 1, machine, engines, single_process=self.single_process)
        self.processes.append(process)
        self.observer.processes[process.name] = process
        return process

    def of(self, *states: str) -> list[Process]:
        """Return the processes in one of these states."""
        return [process for process in self.processes if process.state in states]

    def settle(self) -> None:
        """Run all processes until none has anything to do at this moment."""
        steps = 0
        while done := sum(process.step(100) for process in self.of("running")):
            steps += done
            if steps > _MOST_STEPS:
                self.observer.report("a process loops without waiting")
                return

    def advance(self, seconds: float) -> None:
        """Let time pass; a timer fires at most half a second late."""
        until = self.clock.now + seconds
        self.settle()
        while self.clock.now < until:
            running = self.of("running")
            due = min(
                (min(process.loop.next_due, process.next_renewal) for process in running), default=until
            )
            self.clock.now = min(until, max(due, self.clock.now + _GRAIN_SECONDS))
            for process in running:
                if process.is_running and process.next_renewal <= self.clock.now:
                    process.renew()
            self.settle()


# The process whose code runs now, if any.
_current: list[Process] = []


def _current_process() -> Process:
    [process] = _current
    return process


def _is_gone(name: str) -> bool:
    current = _current_process()
    process = next((one for one in current._simulation.processes if one.name == name), None)
    return process is not None and process.machine == current.machine and process.is_gone


def simulate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the product read the time and the current process from the simulation."""
    execution = "terrarium_server.execution"
    for module in ("_working_time",):
        monkeypatch.setattr(f"{execution}.{module}.clock_seconds", lambda: _current_process()._clock.now)
    for module in ("_abandoned", "_execution", "_recovery"):
        monkeypatch.setattr(f"{execution}.{module}.this_process", lambda: _current_process().name)
    for module in ("_abandoned", "_recovery"):
        monkeypatch.setattr(f"{execution}.{module}.is_gone", _is_gone)
    monkeypatch.setattr(f"{execution}._worker._POLL_SECONDS", _POLL_SECONDS)
    monkeypatch.setattr(f"{execution}._submissions.this_machine", lambda: _current_process().machine)
