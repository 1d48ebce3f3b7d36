"""The progress of a run, as callers see it."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from support.scripted_engine import Gate, ScriptedEngine, echo
from support.workspace import OpenWorkspace
from terrarium_server import runs
from terrarium_server.engines import Job, News, Progress
from terrarium_server.execution import _progress
from terrarium_server.runs import RunProgress
from terrarium_server.store import Transaction

FRACTIONS = [0.0, 0.1, 0.1, 0.05, 0.5, 0.499, 0.994, 1.0, 1.0]


async def jumps(job: Job) -> AsyncIterator[News]:
    for fraction in FRACTIONS:
        yield Progress(fraction)
        await asyncio.sleep(0.05)
    async for news in echo(job):
        yield news


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The percentages that each statement wrote."""
    statements: list[list[int]] = []
    write = runs.write_progress

    def recorded(tx: Transaction, worker_id: str, changes: Sequence[RunProgress]) -> None:
        statements.append([change.percent for change in changes])
        write(tx, worker_id, changes)

    monkeypatch.setattr(runs, "write_progress", recorded)
    return statements


def test_progress_is_written_when_it_grows_and_never_reads_as_done_before_the_end(
    open_workspace: OpenWorkspace, monkeypatch: pytest.MonkeyPatch, written: list[list[int]]
) -> None:
    monkeypatch.setattr(_progress, "_EVERY_SECONDS", 0.0)
    with open_workspace(ScriptedEngine(jumps)) as workspace:
        run = workspace.ended(workspace.start())
    assert [percents for percents in written if percents] == [[10], [50], [99]]
    assert (run.state, run.progress) == ("completed", 100)


def test_the_progress_of_many_runs_is_written_together_at_most_once_a_second(
    open_workspace: OpenWorkspace, monkeypatch: pytest.MonkeyPatch, written: list[list[int]]
) -> None:
    monkeypatch.setattr(_progress, "_EVERY_SECONDS", 1000.0)
    with open_workspace(ScriptedEngine(jumps)) as workspace:
        for run_id in [workspace.start() for _ in range(5)]:
            workspace.ended(run_id)
    assert len(written) == 1


def test_progress_can_be_read_while_the_run_goes_on(open_workspace: OpenWorkspace) -> None:
    gate = Gate()

    async def half_way(job: Job) -> AsyncIterator[News]:
        yield Progress(0.5)
        async for news in gate(job):
            yield news

    with open_workspace(ScriptedEngine(half_way)) as workspace:
        run_id = workspace.start()
        workspace.wait_until(lambda: workspace.run(run_id).progress == 50, "half of it should be done")
        assert workspace.run(run_id).state == "running"
        gate.open_for(1)
        assert workspace.ended(run_id).progress == 100
