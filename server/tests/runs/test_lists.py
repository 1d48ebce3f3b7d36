"""Lists of runs: the same pages as from filtering and sorting all runs."""

from itertools import product
from random import Random

import pytest
import sqlalchemy as sa

from support.records import pending_run
from terrarium_server import runs
from terrarium_server.runs import Run, RunState
from terrarium_server.store import Database

STATES: list[RunState] = ["pending", "running", "completed", "failed", "skipped"]
PLACES = [("ws_1", "prj_1"), ("ws_1", "prj_2"), ("ws_1", None), ("ws_2", "prj_3")]
COUNT = 120


@pytest.fixture
def recorded(database: Database) -> list[Run]:
    """Runs in every state and place, newest first; some are not listed."""
    random = Random(1)
    table = runs.runs
    with database.transaction() as tx:
        for number in range(COUNT):
            workspace_id, project_id = random.choice(PLACES)
            run = pending_run(f"run_{number:03}", workspace_id=workspace_id, project_id=project_id)
            runs.record(tx, run)
            values = {"state": random.choice(STATES), "is_listed": random.choice([1, 1, 0])}
            tx.execute(sa.update(table).where(table.c.run_id == run.run_id).values(**values))
        return [runs.read_run(tx, f"run_{number:03}") for number in reversed(range(COUNT))]


def test_every_filter_selects_what_it_says_newest_first(database: Database, recorded: list[Run]) -> None:
    listed = [run for run in recorded if run.is_listed]
    filters = product(
        ("ws_1", "ws_2", "ws_none"),
        (None, "prj_1", "prj_2", "prj_3", "prj_none"),
        (None, *STATES),
        (None, "run_060", "run_000", "run_999"),
        (1, 7, COUNT),
    )
    with database.transaction() as tx:
        for workspace_id, project_id, state, before, limit in filters:
            expected = [
                run
                for run in listed
                if run.workspace_id == workspace_id
                and project_id in (None, run.project_id)
                and state in (None, run.state, "failed" if run.state == "skipped" else None)
                and (before is None or run.run_id < before)
            ]
            given = {"limit": limit, "before": before, "project_id": project_id, "state": state}
            assert runs.list_runs(tx, workspace_id, **given) == expected[:limit], given
