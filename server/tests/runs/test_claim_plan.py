"""Claiming looks at unfinished runs only, however many finished ones there are."""

from pathlib import Path
from typing import Any

from sqlalchemy import event

from terrarium_server import migrations, runs
from terrarium_server.store import Database


def test_claiming_and_looking_for_orphans_use_the_index_of_unfinished_runs(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'terrarium.db'}")
    migrations.upgrade(database)
    sent: list[tuple[str, Any]] = []

    @event.listens_for(database.engine, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        sent.append((statement, parameters))

    with database.transaction() as tx:
        runs.claim(tx, "wrk_a", 3)
        runs.orphans(tx, ["wrk_b"])
    asked = list(sent)
    with database.engine.begin() as connection:
        for statement, parameters in asked:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            steps = [step[-1] for step in plan if "runs" in step[-1]]
            assert steps
            assert all("ix_runs_unfinished" in step for step in steps), steps
    database.close()
