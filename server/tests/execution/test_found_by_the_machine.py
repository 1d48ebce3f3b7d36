"""What the machine of `test_execution_machine` has found, each as short as it can be told."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.records import pending_run
from support.server import new_account
from terrarium_server import ledger, runs
from terrarium_server.store import Blobs, Database

from .observer import RunRow
from .provider import ENGINES, MODELS, SILENCE
from .simulated_loop import Clock
from .simulation import LEASE_SECONDS, Process, Trap, World, simulate

PRICE = 250_000


class Told:
    """A world in which one thing happens after the other."""

    def __init__(self, world: World) -> None:
        self.world = world
        with world.database.transaction() as tx:
            self.workspace_id = new_account(tx).workspace_id

    def start(self) -> Process:
        """Start a worker."""
        process = self.world.start("a", ENGINES)
        self.world.settle()
        return process

    def admit(self, model: str) -> None:
        """Admit the one run, and let the workers know."""
        ids = {"workspace_id": self.workspace_id, "project_id": None, "node_id": None}
        run = pending_run(
            "run_1", subject=model, engine=MODELS[model], held_micros=PRICE, actor="system", **ids
        )
        with self.world.database.transaction() as tx:
            ledger.hold(tx, run.workspace_id, run.run_id, PRICE)
            runs.record(tx, run)
            rows = self.world.observer.read(tx)
        self.world.observer.wrote(None, rows)
        for process in self.world.of("running"):
            process.loop.call_soon(process.worker.wake)

    @property
    def run(self) -> RunRow:
        return self.world.observer.rows.runs["run_1"]

    @property
    def story(self) -> str:
        return self.world.observer.story


@pytest.fixture
def told(migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Told]]:
    """Opens a world; in the end nothing was wrong in it."""
    simulate(monkeypatch)
    logger = logging.getLogger("terrarium_server.execution")
    clock = Clock()
    database = Database(migrated_url, clock=clock.expression, clock_ms=clock.milliseconds)
    worlds: list[World] = []

    def make(*, alone: bool = False) -> Told:
        world = World(database, clock, Blobs(tmp_path / "media"), alone=alone)
        logger.addHandler(world.observer)
        worlds.append(world)
        return Told(world)

    yield make
    for world in worlds:
        logger.removeHandler(world.observer)
        for process in world.processes:
            process.bury()
    database.close()
    for world in worlds:
        assert world.observer.complaints == [], world.observer.story


def test_a_second_model_makes_what_the_first_could_not_be_told_to_stop(told: Callable[..., Told]) -> None:
    """The first model's job hangs and cannot be cancelled: the second one is tried all the same."""
    story = told()
    story.start()
    story.admit("exact-or-blind")
    story.world.settle()
    provider = story.world.provider
    provider.end(provider.live[0], "hangs")
    provider.cancels_failing = 1
    story.world.advance(SILENCE + 40)
    assert ("run_1", "blind-model") in provider.tried, story.story


def test_a_drain_that_was_stopped_for_a_while_waits_as_before(told: Callable[..., Told]) -> None:
    """A pause of the process is no reason to hang up on a call that is paid for."""
    story = told()
    worker = story.start()
    story.admit("call-model")
    story.world.settle()
    worker.drain(10.0, hurry=False)
    story.world.advance(1.0)
    worker.stop()
    story.world.advance(7.0)
    worker.go_on()
    story.world.advance(1.0)
    [job] = story.world.provider.made
    assert job.is_live, story.story


def test_who_was_stopped_cancels_nothing_that_another_worker_follows(told: Callable[..., Told]) -> None:
    """Nothing was heard of a job for long, but because nobody listened."""
    story = told()
    stopped = story.start()
    story.admit("exact-model")
    story.world.settle()
    story.start()
    stopped.stop()
    story.world.advance(SILENCE + LEASE_SECONDS)
    stopped.go_on()
    story.world.advance(1.0)
    [job] = story.world.provider.made
    assert job.is_live, story.story


def test_a_refusal_whose_answer_was_lost_is_noted_once(told: Callable[..., Told]) -> None:
    """The third refusal ends a run with what the provider said, also if its commit is repeated."""
    story = told()
    worker = story.start()
    story.world.provider.early_refusals = ["busy"] * 3
    story.admit("exact-model")
    story.world.settle()
    story.world.advance(6.0)
    worker.database.trap = Trap("a refusal", "lose the answer")
    story.world.advance(20.0)
    assert story.run.error_code == "GENERATION_QUEUE_TOO_LARGE", story.story


def test_a_mark_whose_answer_was_lost_keeps_nobody_waiting(told: Callable[..., Told]) -> None:
    """Who marked a submission, lost the run before it knew and did not call says so."""
    story = told()
    worker = story.start()
    worker.database.trap = Trap("a mark", "cut off")
    story.admit("exact-model")
    story.world.settle()
    story.start()
    story.world.advance(2 * LEASE_SECONDS + 5)
    worker.database.failing = 0
    story.world.advance(SILENCE + 5)
    assert story.run.state == "running", story.story


def test_a_call_that_broke_off_is_seen_to_while_its_worker_lives(told: Callable[..., Told]) -> None:
    """The run has failed, the call is over and the provider has nothing: that is known within minutes."""
    story = told()
    story.start()
    provider = story.world.provider
    provider.is_slow = True
    story.admit("exact-model")
    story.world.settle()
    provider.break_off(provider.calls[0])
    story.world.advance(130.0)
    assert story.run.state == "failed"
    [row] = story.world.observer.rows.submissions.values()
    assert row.state == "void", story.story


def test_a_pause_of_the_only_worker_is_not_taken_for_a_silence(told: Callable[..., Told]) -> None:
    """Nobody else could take over, so the worker still has the run, and goes on to listen."""
    story = told(alone=True)
    worker = story.start()
    story.admit("exact-model")
    story.world.settle()
    worker.stop()
    story.world.advance(2 * SILENCE)
    worker.go_on()
    story.world.advance(1.0)
    [job] = story.world.provider.made
    assert job.is_live, story.story
    story.world.provider.end(job, "finished")
    story.world.advance(1.0)
    assert story.run.state == "completed", story.story


def test_what_hung_is_not_paid_for_again_after_a_death(told: Callable[..., Told]) -> None:
    """The worker that gave up on it dies at the very next thing that it writes."""
    story = told()
    worker = story.start()
    story.admit("exact-model")
    story.world.settle()
    provider = story.world.provider
    provider.end(provider.live[0], "hangs")
    story.world.advance(SILENCE - 35)
    worker.database.trap = Trap("a write", "die")
    story.world.advance(40.0)
    story.start()
    story.world.advance(3 * LEASE_SECONDS + SILENCE)
    [job] = provider.made
    assert (worker.state, job.state, story.run.state) == ("gone", "cancelled", "failed"), story.story


def test_what_nobody_can_tell_is_not_paid_for_again_after_a_death(told: Callable[..., Told]) -> None:
    """Its worker dies before the answer to its call, and so does the next one when it has given up on it."""
    story = told()
    first = story.start()
    provider = story.world.provider
    provider.is_slow = True
    story.admit("blind-model")
    story.world.settle()
    provider.accept(provider.calls[0])
    first.die()
    provider.is_slow = False
    second = story.start()
    second.database.trap = Trap("a giving up", "die")
    story.world.advance(2 * LEASE_SECONDS)
    story.start()
    story.world.advance(3 * LEASE_SECONDS)
    assert second.is_gone
    assert (len(provider.made), story.run.state) == (1, "failed"), story.story


def test_what_the_first_model_left_on_a_machine_does_not_bind_the_second(told: Callable[..., Told]) -> None:
    """The worker that was to make it with the second model dies, and only another machine is left."""
    story = told()
    worker = story.start()
    story.admit("machine-or-blind")
    story.world.settle()
    provider = story.world.provider
    provider.end(provider.live[0], "hangs")
    provider.cancels_failing = 1
    story.world.advance(SILENCE - 35)
    worker.database.trap = Trap("a claim", "die")
    story.world.advance(40.0)
    story.world.start("b", ENGINES)
    story.world.advance(3 * LEASE_SECONDS)
    assert worker.is_gone
    assert ("run_1", "blind-model") in provider.tried, story.story
