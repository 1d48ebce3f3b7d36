"""What callers see of a run while it is made."""

import threading
from collections.abc import Iterator

import pytest

from support.puppet import Puppet, answers
from support.stage import MakeStage
from terrarium_server import runs
from terrarium_server.engines import Job, Look, Waiting
from terrarium_server.store import Transaction
from terrarium_server.workflows import _making

FRACTIONS = [0.0, 0.1, 0.1, 0.05, 0.5, 0.499, 0.994, 1.0, 1.0]


def jumps(job: Job) -> Iterator[Look]:
    yield from map(Waiting, FRACTIONS)
    yield from answers(job)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The progress writes, in order."""
    percents: list[int] = []
    advance = runs.advance

    def noted(tx: Transaction, run_id: str, percent: int) -> None:
        percents.append(percent)
        advance(tx, run_id, percent)

    monkeypatch.setattr(runs, "advance", noted)
    return percents


def test_progress_is_written_when_it_grows_and_never_reads_as_done_before_the_end(
    make_stage: MakeStage, monkeypatch: pytest.MonkeyPatch, written: list[int]
) -> None:
    monkeypatch.setattr(_making, "_PROGRESS_EVERY", 0.0)
    with make_stage(Puppet(jumps)) as stage:
        run = stage.ended(stage.start())
    assert written == [10, 50, 99]
    assert (run.state, run.progress) == ("completed", 100)


def test_progress_is_not_written_more_often_than_anybody_looks(
    make_stage: MakeStage, monkeypatch: pytest.MonkeyPatch, written: list[int]
) -> None:
    monkeypatch.setattr(_making, "_PROGRESS_EVERY", 1000.0)
    with make_stage(Puppet(jumps)) as stage:
        stage.ended(stage.start())
    assert written == [10]


def test_progress_can_be_read_while_the_run_goes_on(make_stage: MakeStage) -> None:
    go_on = threading.Event()

    def half_way(job: Job) -> Iterator[Look]:
        while not go_on.wait(0.01):
            yield Waiting(0.5)
        yield from answers(job)

    with make_stage(Puppet(half_way)) as stage:
        run_id = stage.start()
        stage.wait_until(lambda: stage.run(run_id).progress == 50, "half of it should be done")
        assert stage.run(run_id).state == "running"
        go_on.set()
        assert stage.ended(run_id).progress == 100
