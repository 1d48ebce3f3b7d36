"""What callers see of a run while it is made."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from support.puppet import Gate, Puppet, answers
from support.stage import MakeStage
from terrarium_server import runs
from terrarium_server.engines import Job, News, Progress
from terrarium_server.execution import _progress
from terrarium_server.runs import Shown
from terrarium_server.store import Transaction

FRACTIONS = [0.0, 0.1, 0.1, 0.05, 0.5, 0.499, 0.994, 1.0, 1.0]


async def jumps(job: Job) -> AsyncIterator[News]:
    for fraction in FRACTIONS:
        yield Progress(fraction)
        await asyncio.sleep(0.05)
    async for news in answers(job):
        yield news


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """What was written, statement by statement."""
    statements: list[list[int]] = []
    show = runs.show

    def noted(tx: Transaction, worker_id: str, news: Sequence[Shown]) -> None:
        statements.append([one.percent for one in news])
        show(tx, worker_id, news)

    monkeypatch.setattr(runs, "show", noted)
    return statements


def test_progress_is_written_when_it_grows_and_never_reads_as_done_before_the_end(
    make_stage: MakeStage, monkeypatch: pytest.MonkeyPatch, written: list[list[int]]
) -> None:
    monkeypatch.setattr(_progress, "_EVERY_SECONDS", 0.0)
    with make_stage(Puppet(jumps)) as stage:
        run = stage.ended(stage.start())
    assert [percents for percents in written if percents] == [[10], [50], [99]]
    assert (run.state, run.progress) == ("completed", 100)


def test_what_many_runs_show_is_written_together_and_not_more_often_than_once_a_second(
    make_stage: MakeStage, monkeypatch: pytest.MonkeyPatch, written: list[list[int]]
) -> None:
    monkeypatch.setattr(_progress, "_EVERY_SECONDS", 1000.0)
    with make_stage(Puppet(jumps)) as stage:
        for run_id in [stage.start() for _ in range(5)]:
            stage.ended(run_id)
    assert len(written) == 1


def test_progress_can_be_read_while_the_run_goes_on(make_stage: MakeStage) -> None:
    gate = Gate()

    async def half_way(job: Job) -> AsyncIterator[News]:
        yield Progress(0.5)
        async for news in gate(job):
            yield news

    with make_stage(Puppet(half_way)) as stage:
        run_id = stage.start()
        stage.wait_until(lambda: stage.run(run_id).progress == 50, "half of it should be done")
        assert stage.run(run_id).state == "running"
        gate.open_for(1)
        assert stage.ended(run_id).progress == 100
