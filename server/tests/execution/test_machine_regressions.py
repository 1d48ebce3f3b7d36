"""Minimal examples of bugs that the state machine of `test_execution_machine` has found."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.records import pending_run, queue
from support.server import new_account
from terrarium_server import ledger
from terrarium_server.rates import Rate
from terrarium_server.store import Blobs, Database

from .observer import RunRow
from .provider import ENGINES, MODELS, SILENCE
from .simulated_loop import Clock
from .simulation import LEASE_SECONDS, Process, Simulation, Trap, simulate

PRICE = 250_000


class Example:
    """A simulation with one run."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        with simulation.database.transaction() as tx:
            self.workspace_id = new_account(tx).workspace_id

    def start(self) -> Process:
        """Start a worker."""
        process = self.simulation.start("a", ENGINES)
        self.simulation.settle()
        return process

    def admit(self, model: str) -> None:
        """Admit the run, and wake the workers."""
        ids = {"workspace_id": self.workspace_id, "project_id": None, "node_id": None}
        run = pending_run(
            "run_1", subject=model, engine=MODELS[model], held_micros=PRICE, actor="system", **ids
        )
        with self.simulation.database.transaction() as tx:
            ledger.hold(tx, run.workspace_id, run.run_id, PRICE, Rate(1_000_000))
            queue(tx, run)
            rows = self.simulation.observer.read(tx)
        self.simulation.observer.wrote(None, rows)
        for process in self.simulation.of("running"):
            process.loop.call_soon(process.worker.wake)

    @property
    def run(self) -> RunRow:
        return self.simulation.observer.rows.runs["run_1"]

    @property
    def history(self) -> str:
        return self.simulation.observer.history_text


OpenExample = Callable[..., Example]


@pytest.fixture
def open_example(migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenExample]:
    """Returns a function that opens an example; at the end there must be no violations."""
    simulate(monkeypatch)
    logger = logging.getLogger("terrarium_server.execution")
    clock = Clock()
    database = Database(migrated_url, clock=clock.expression, clock_ms=clock.milliseconds)
    simulations: list[Simulation] = []

    def make(*, single_process: bool = False) -> Example:
        simulation = Simulation(database, clock, Blobs(tmp_path / "media"), single_process=single_process)
        logger.addHandler(simulation.observer)
        simulations.append(simulation)
        return Example(simulation)

    yield make
    for simulation in simulations:
        logger.removeHandler(simulation.observer)
        for process in simulation.processes:
            process.discard()
    database.close()
    for simulation in simulations:
        assert simulation.observer.violations == [], simulation.observer.history_text


def test_a_fallback_is_used_although_the_first_job_could_not_be_cancelled(open_example: OpenExample) -> None:
    """The first model's job hangs and cannot be cancelled: the second model is tried all the same."""
    example = open_example()
    example.start()
    example.admit("exact-or-blind")
    example.simulation.settle()
    provider = example.simulation.provider
    provider.end(provider.live[0], "hangs")
    provider.cancels_failing = 1
    example.simulation.advance(SILENCE + 40)
    assert ("run_1", "blind-model") in provider.tried, example.history


def test_a_drain_does_not_count_time_in_which_its_process_was_suspended(open_example: OpenExample) -> None:
    """A suspension of the process is no reason to abandon a paid call."""
    example = open_example()
    worker = example.start()
    example.admit("call-model")
    example.simulation.settle()
    worker.drain(10.0, skip_waiting=False)
    example.simulation.advance(1.0)
    worker.stop()
    example.simulation.advance(7.0)
    worker.go_on()
    example.simulation.advance(1.0)
    [job] = example.simulation.provider.made
    assert job.is_live, example.history


def test_a_suspended_worker_cancels_no_job_that_another_worker_follows(open_example: OpenExample) -> None:
    """The job seems silent only because its worker was suspended."""
    example = open_example()
    stopped = example.start()
    example.admit("exact-model")
    example.simulation.settle()
    example.start()
    stopped.stop()
    example.simulation.advance(SILENCE + LEASE_SECONDS)
    stopped.go_on()
    example.simulation.advance(1.0)
    [job] = example.simulation.provider.made
    assert job.is_live, example.history


def test_a_refusal_is_recorded_once_although_the_commits_answer_was_lost(open_example: OpenExample) -> None:
    """The third refusal fails the run with the provider's error, also if its commit is repeated."""
    example = open_example()
    worker = example.start()
    example.simulation.provider.early_refusals = ["busy"] * 3
    example.admit("exact-model")
    example.simulation.settle()
    example.simulation.advance(6.0)
    worker.database.trap = Trap("a refusal", "lose the answer")
    example.simulation.advance(20.0)
    assert example.run.error_code == "GENERATION_QUEUE_TOO_LARGE", example.history


def test_a_mark_whose_commits_answer_was_lost_delays_no_other_worker(open_example: OpenExample) -> None:
    """A worker that marked a submission, lost the run and did not call withdraws the mark."""
    example = open_example()
    worker = example.start()
    worker.database.trap = Trap("a mark", "cut off")
    example.admit("exact-model")
    example.simulation.settle()
    example.start()
    example.simulation.advance(2 * LEASE_SECONDS + 5)
    worker.database.failing = 0
    example.simulation.advance(SILENCE + 5)
    assert example.run.state == "running", example.history


def test_a_broken_call_is_concluded_while_its_worker_is_alive(open_example: OpenExample) -> None:
    """The run has failed, and the provider has no job: the submission is void within minutes."""
    example = open_example()
    example.start()
    provider = example.simulation.provider
    provider.is_slow = True
    example.admit("exact-model")
    example.simulation.settle()
    provider.break_off(provider.calls[0])
    example.simulation.advance(130.0)
    assert example.run.state == "failed"
    [row] = example.simulation.observer.rows.submissions.values()
    assert row.state == "void", example.history


def test_a_suspension_of_the_only_worker_does_not_count_as_silence(open_example: OpenExample) -> None:
    """No other worker could take over, so the worker still has the run, and continues to follow it."""
    example = open_example(single_process=True)
    worker = example.start()
    example.admit("exact-model")
    example.simulation.settle()
    worker.stop()
    example.simulation.advance(2 * SILENCE)
    worker.go_on()
    example.simulation.advance(1.0)
    [job] = example.simulation.provider.made
    assert job.is_live, example.history
    example.simulation.provider.end(job, "finished")
    example.simulation.advance(1.0)
    assert example.run.state == "completed", example.history


def test_a_job_that_hung_is_not_paid_for_again_after_a_death(open_example: OpenExample) -> None:
    """The worker that gave up on it dies at its next write."""
    example = open_example()
    worker = example.start()
    example.admit("exact-model")
    example.simulation.settle()
    provider = example.simulation.provider
    provider.end(provider.live[0], "hangs")
    example.simulation.advance(SILENCE - 35)
    worker.database.trap = Trap("a write", "die")
    example.simulation.advance(40.0)
    example.start()
    example.simulation.advance(3 * LEASE_SECONDS + SILENCE)
    [job] = provider.made
    assert (worker.state, job.state, example.run.state) == ("gone", "cancelled", "failed"), example.history


def test_an_uncertain_submission_is_not_paid_for_again_after_a_death(open_example: OpenExample) -> None:
    """The worker dies before the answer to its call, and the next one dies when it has given up on it."""
    example = open_example()
    first = example.start()
    provider = example.simulation.provider
    provider.is_slow = True
    example.admit("blind-model")
    example.simulation.settle()
    provider.accept(provider.calls[0])
    first.die()
    provider.is_slow = False
    second = example.start()
    second.database.trap = Trap("an unknown", "die")
    example.simulation.advance(2 * LEASE_SECONDS)
    example.start()
    example.simulation.advance(3 * LEASE_SECONDS)
    assert second.is_gone
    assert (len(provider.made), example.run.state) == (1, "failed"), example.history


def test_a_job_of_the_first_model_on_one_machine_does_not_bind_the_fallback_to_it(
    open_example: OpenExample,
) -> None:
    """The worker that was to use the second model dies, and only another machine is left."""
    example = open_example()
    worker = example.start()
    example.admit("machine-or-blind")
    example.simulation.settle()
    provider = example.simulation.provider
    provider.end(provider.live[0], "hangs")
    provider.cancels_failing = 1
    example.simulation.advance(SILENCE - 35)
    worker.database.trap = Trap("a claim", "die")
    example.simulation.advance(40.0)
    example.simulation.start("b", ENGINES)
    example.simulation.advance(3 * LEASE_SECONDS)
    assert worker.is_gone
    assert ("run_1", "blind-model") in provider.tried, example.history
