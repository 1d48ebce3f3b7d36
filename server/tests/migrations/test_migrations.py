"""The migrations make exactly the tables that the rooms declare, once, whoever starts at the same time."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

# Every room that owns tables, so that all of them are declared.
from terrarium_server import accounts, admission, assets, canvas, ledger, migrations, runs, workflows
from terrarium_server.store import Database, metadata

ROOMS = [accounts, admission, assets, canvas, ledger, runs, workflows]


def test_the_migrated_tables_are_the_declared_ones(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        made = set(sa.inspect(connection).get_table_names())
    assert made == {*metadata.tables, "alembic_version"}


def test_checks_and_uniqueness_are_migrated_too(database: Database) -> None:
    # Alembic does not compare check constraints.
    inspector = sa.inspect(database.engine)
    for table in metadata.sorted_tables:
        declared = {check.name for check in table.constraints if isinstance(check, sa.CheckConstraint)}
        assert {check["name"] for check in inspector.get_check_constraints(table.name)} == declared


def test_upgrading_again_changes_nothing(database: Database) -> None:
    with database.transaction() as tx:
        tx.execute(sa.text("INSERT INTO workers VALUES ('wrk_1', 1, 1)"))
    migrations.upgrade(database)
    with database.transaction() as tx:
        assert tx.execute(sa.text("SELECT count(*) FROM workers")).scalar_one() == 1


def test_many_may_start_at_once(database_url: str) -> None:
    databases = [Database(database_url) for _ in range(4)]
    with ThreadPoolExecutor(len(databases)) as pool:
        list(pool.map(migrations.upgrade, databases))
    with databases[0].engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        versions = connection.execute(sa.text("SELECT version_num FROM alembic_version")).all()
    assert len(versions) == 1
    for database in databases:
        database.close()


def test_many_processes_may_start_at_once(database_url: str) -> None:
    script = (
        "import sys; from terrarium_server import migrations; from terrarium_server.store import Database\n"
        "database = Database(sys.argv[1]); migrations.upgrade(database); database.close()"
    )
    command = [sys.executable, "-W", "error", "-c", script, database_url]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    assert [(process.communicate()[1], process.returncode) for process in processes] == [("", 0)] * 3


def test_a_newer_database_is_refused_and_left_alone(database: Database) -> None:
    with database.transaction() as tx:
        tx.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(RuntimeError, match="version 9999, made by a newer Terrarium"):
        migrations.upgrade(database)
    with database.transaction() as tx:
        assert tx.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one() == "9999"


def test_the_history_has_one_end_and_upgrade_knows_it(database: Database) -> None:
    folder = Path(migrations.__file__).parent
    [head] = ScriptDirectory(folder).get_heads()
    with database.transaction() as tx:
        assert tx.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one() == head
