"""What a worker reports when it starts: runs that wait for engines that no worker has."""

import pytest
import sqlalchemy as sa

from support.scripted_engine import ScriptedEngine
from support.workspace import OpenWorkspace
from terrarium_server import runs
from terrarium_server.execution import workers


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [message for message in caplog.messages if "engines that no worker has" in message]


def test_runs_that_wait_for_an_engine_that_no_worker_has_are_reported_once(
    open_workspace: OpenWorkspace, caplog: pytest.LogCaptureFixture
) -> None:
    other = ScriptedEngine()
    other.name = "spare"
    with open_workspace(ScriptedEngine(), other, workers=False) as workspace:
        for _ in range(3):
            workspace.start()
        workspace.start("t2t-elsewhere")
        with workspace.services.database.transaction() as tx:
            # One of each state: pending, postponed, and running at a worker that has died.
            [running] = runs.claim(tx, "wrk_dead", 1, {"rehearsal": 1})
            postponed = sa.update(runs.runs).where(runs.runs.c.engine == "rehearsal", runs.runs.c.claim == 0)
            tx.execute(postponed.where(runs.runs.c.run_id != running.run_id).values(due_at=2**50))
    with open_workspace(other) as workspace:
        workspace.wait_until(lambda: bool(other.submitted), "the others are executed")
    assert warnings_of(caplog) == [
        "runs wait for engines that no worker has: rehearsal (3); "
        "install or set them up, or these runs fail in ten minutes"
    ]


def test_nothing_is_reported_if_this_worker_or_another_one_has_the_engine(
    open_workspace: OpenWorkspace, caplog: pytest.LogCaptureFixture
) -> None:
    other = ScriptedEngine()
    other.name = "spare"
    with open_workspace(ScriptedEngine(), other, workers=False) as workspace:
        workspace.start("t2t-elsewhere")
        if not workspace.services.database.is_sqlite:
            # Only PostgreSQL has other workers.
            workspace.start()
        with workspace.services.database.transaction() as tx:
            row = {"worker_id": "wrk_alive", "machine": "elsewhere", "engines": "rehearsal", "started_at": 0}
            tx.execute(sa.insert(workers).values(**row, lease_until=tx.clock + 3_600_000))
    with open_workspace(other) as workspace:
        workspace.wait_until(lambda: bool(other.submitted), "the run is executed")
    assert warnings_of(caplog) == []
