"""When a database may be upgraded, and that it happens completely or not at all."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError

from terrarium_server import migrations
from terrarium_server.migrations import Facts, SchemaOutOfDate, WorkersAlive, _upgrade
from terrarium_server.store import Database

# The last statement of the migration.
LATE = "UPDATE alembic_version"

ON_SQLITE = pytest.mark.parametrize("recorded_url", ["sqlite"], indirect=True)
ON_POSTGRES = pytest.mark.parametrize("recorded_url", ["postgres"], indirect=True)

UPGRADE = """
import os, signal, sys
from sqlalchemy import event
from terrarium_server import migrations
from terrarium_server.store import Database
database = Database(sys.argv[1])
if len(sys.argv) > 2:
    @event.listens_for(database.engine, "before_cursor_execute")
    def kill(connection, cursor, statement, *rest):
        if statement.startswith(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
migrations.upgrade(database, migrations.Facts({}, {}))
database.close()
"""


def contents(database: Database) -> list[str]:
    """Return every row, column and index of every table, including DBOS's."""
    with database.engine.connect() as connection:
        if database.is_sqlite:
            driver: Any = connection.connection.driver_connection
            return list(driver.iterdump())
        statements = [
            "SELECT * FROM pg_indexes",
            "SELECT table_name, column_name FROM information_schema.columns",
        ]
        for schema in ("public", "dbos"):
            names = sa.inspect(connection).get_table_names(schema)
            statements += [f"SELECT * FROM {schema}.{name}" for name in names]
        return sorted(
            f"{statement}: {row}"
            for statement in statements
            for row in connection.execute(sa.text(statement))
        )


def version(database: Database) -> str | None:
    with database.transaction() as tx:
        return migrations.version_in(tx)


@contextmanager
def failing_at(database: Database, beginning: str) -> Iterator[None]:
    """Make statements that begin like this fail."""

    def fail(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip().startswith(beginning):
            raise InterruptedError(statement)

    event.listen(database.engine, "before_cursor_execute", fail)
    yield
    event.remove(database.engine, "before_cursor_execute", fail)


@pytest.mark.parametrize("statement", [LATE, "INSERT INTO submissions", "CREATE INDEX ix_runs_ready"])
def test_an_upgrade_that_fails_leaves_everything_as_it_was(
    recorded: Database, facts: Facts, statement: str
) -> None:
    before = contents(recorded)
    with failing_at(recorded, statement), pytest.raises(InterruptedError):
        migrations.upgrade(recorded, facts)
    assert contents(recorded) == before
    assert version(recorded) == "0002"
    migrations.upgrade(recorded, facts)
    assert version(recorded) == migrations.HEAD


def test_an_upgrade_that_is_killed_leaves_everything_as_it_was(
    recorded_url: str, recorded: Database, facts: Facts
) -> None:
    before = contents(recorded)
    killed = subprocess.run([sys.executable, "-c", UPGRADE, recorded_url, LATE], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert contents(recorded) == before
    migrations.upgrade(recorded, facts)
    assert version(recorded) == migrations.HEAD


def test_processes_that_start_at_once_on_an_old_database_all_succeed(
    recorded_url: str, recorded: Database
) -> None:
    command = [sys.executable, "-W", "error", "-c", UPGRADE, recorded_url]
    processes = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert version(recorded) == migrations.HEAD


def set_heartbeat(database: Database, at_ms: int) -> None:
    with database.transaction() as tx:
        assert tx.execute(sa.text("UPDATE workers SET heartbeat_at = :at"), {"at": at_ms}).rowcount == 1


@ON_POSTGRES
def test_nothing_is_upgraded_while_a_worker_may_be_alive(
    recorded: Database, facts: Facts, now_ms: int
) -> None:
    set_heartbeat(recorded, now_ms - 59_000)
    before = contents(recorded)
    with pytest.raises(
        WorkersAlive, match="stop all servers and workers of the older version first, or wait"
    ):
        migrations.upgrade(recorded, facts)
    assert contents(recorded) == before
    set_heartbeat(recorded, now_ms - 60_000)
    migrations.upgrade(recorded, facts)
    assert version(recorded) == migrations.HEAD


@ON_SQLITE
def test_a_sqlite_file_is_upgraded_whatever_the_heartbeats(
    recorded: Database, facts: Facts, now_ms: int
) -> None:
    set_heartbeat(recorded, now_ms)
    migrations.upgrade(recorded, facts)
    assert version(recorded) == migrations.HEAD


@pytest.mark.parametrize("upgraded_url", ["postgres"], indirect=True)
def test_later_upgrades_check_leases(
    upgraded: Database, facts: Facts, now_ms: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As a version with one more migration would.
    monkeypatch.setattr(_upgrade, "HEAD", "9999")
    row = {"lease": now_ms - 49_000}
    with upgraded.transaction() as tx:
        tx.execute(sa.text("INSERT INTO workers VALUES ('wrk_1', 'here', '', 1, :lease)"), row)
    with pytest.raises(WorkersAlive):
        migrations.upgrade(upgraded, facts)
    with upgraded.transaction() as tx:
        tx.execute(sa.text("UPDATE workers SET lease_until = :lease"), {"lease": now_ms - 50_000})
    migrations.upgrade(upgraded, facts)


@ON_POSTGRES
def test_a_process_that_waited_for_an_upgrade_accepts_new_workers(
    recorded: Database, facts: Facts, now_ms: int
) -> None:
    """The process that migrated may start its worker before the others get the lock."""
    connection = recorded.engine.connect()
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(7461726)))
    waiting = threading.Thread(target=migrations.upgrade, args=(recorded, facts))
    waiting.start()
    waits = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    with recorded.engine.connect() as other:
        while not other.execute(waits).scalar_one():
            other.rollback()
    connection.execute(sa.text("UPDATE alembic_version SET version_num = :head"), {"head": migrations.HEAD})
    connection.execute(sa.text("UPDATE workers SET heartbeat_at = :now"), {"now": now_ms})
    connection.commit()
    connection.close()
    waiting.join()
    with recorded.transaction() as tx:
        assert tx.execute(sa.text("SELECT count(*) FROM runs WHERE kind = 'generation'")).scalar_one()


@ON_SQLITE
def test_foreign_keys_are_off_during_an_upgrade_and_on_afterwards(recorded: Database, facts: Facts) -> None:
    states: list[int] = []

    def record(_connection: Any, cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith(LATE):
            states.extend(cursor.connection.execute("PRAGMA foreign_keys").fetchone())

    event.listen(recorded.engine, "before_cursor_execute", record)
    with failing_at(recorded, LATE), pytest.raises(InterruptedError):
        migrations.upgrade(recorded, facts)
    for _ in ("after a failure", "after an upgrade"):
        with pytest.raises(IntegrityError), recorded.transaction() as tx:
            tx.execute(sa.text("INSERT INTO projects VALUES ('prj_1', 'nowhere', 'x', NULL, 1, 1)"))
        migrations.upgrade(recorded, facts)
    # The first migration since version 0002 ran twice, the others once.
    assert states == [0] * (int(migrations.HEAD) - 2 + 1)


@ON_SQLITE
def test_an_upgrade_that_leaves_rows_without_their_parents_is_undone(
    recorded: Database, facts: Facts
) -> None:
    with recorded.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("INSERT INTO projects VALUES ('prj_1', 'nowhere', 'x', NULL, 1, 1)")
        connection.commit()
        connection.exec_driver_sql("PRAGMA foreign_keys=ON")
    before = contents(recorded)
    with pytest.raises(
        RuntimeError, match="a row of the table projects that refers to a missing row of worksp"
    ):
        migrations.upgrade(recorded, facts)
    assert contents(recorded) == before


def test_the_error_for_an_empty_database_says_what_to_do(database_url: str) -> None:
    empty = Database(database_url)
    with pytest.raises(SchemaOutOfDate, match="there is no database yet; start `terrarium serve` once"):
        migrations.check(empty)
    assert sa.inspect(empty.engine).get_table_names() == []
    empty.close()


def test_an_old_database_is_refused_by_the_check(recorded: Database, facts: Facts) -> None:
    before = contents(recorded)
    with pytest.raises(SchemaOutOfDate, match="older version; start `terrarium serve`"):
        migrations.check(recorded)
    assert contents(recorded) == before
    migrations.upgrade(recorded, facts)
    migrations.check(recorded)


def test_the_version_can_be_read_in_any_transaction(database_url: str) -> None:
    database = Database(database_url)
    with database.transaction() as tx:
        tx.execute(sa.text("CREATE TABLE notes (text TEXT)"))
        assert migrations.version_in(tx) is None
        tx.execute(sa.text("INSERT INTO notes VALUES ('goes on')"))
    with database.transaction() as tx:
        tx.execute(sa.text("CREATE TABLE alembic_version (version_num TEXT)"))
        assert migrations.version_in(tx) is None
        tx.execute(sa.text("INSERT INTO alembic_version VALUES ('0002')"))
        assert migrations.version_in(tx) == "0002"
    database.close()
