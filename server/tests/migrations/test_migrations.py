"""The migrations create exactly the tables that the packages declare, even if several processes start."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from terrarium_server import migrations
from terrarium_server.migrations import Facts
from terrarium_server.store import Database, metadata

FACTS = Facts({}, {})


def test_the_migrated_tables_are_the_declared_ones(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        made = set(sa.inspect(connection).get_table_names())
    assert made == {*metadata.tables, "alembic_version"}


def described(engine: sa.Engine) -> dict[str, dict[str, list[str]]]:
    """Return a description of all tables of a database, except the migrations' own."""
    inspector = sa.inspect(engine)
    return {
        name: {
            "columns": [as_text(column) for column in inspector.get_columns(name)],
            "primary key": [as_text(inspector.get_pk_constraint(name))],
            "indexes": sorted(map(as_text, inspector.get_indexes(name))),
            "unique": sorted(map(as_text, inspector.get_unique_constraints(name))),
            "checks": sorted(map(as_text, inspector.get_check_constraints(name))),
            "foreign keys": sorted(map(as_text, inspector.get_foreign_keys(name))),
        }
        for name in inspector.get_table_names()
        if name != "alembic_version"
    }


def as_text(value: object) -> str:
    """Return a reflected value as text, its SQLAlchemy objects as SQL."""
    if isinstance(value, Mapping):
        return str({name: as_text(part) for name, part in value.items()})
    return str(value)


@pytest.fixture
def declared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[Database], sa.Engine]]:
    """Returns a function that creates the declared tables in a new database of the same kind as another."""
    opened: list[Database] = []

    def make(other: Database) -> sa.Engine:
        sqlite = f"sqlite:///{tmp_path / 'declared.sqlite'}"
        opened.append(Database(sqlite if other.is_sqlite else request.getfixturevalue("postgres_url")))
        metadata.create_all(opened[-1].engine)
        return opened[-1].engine

    yield make
    for database in opened:
        database.close()


# Alembic does not compare partial indexes, defaults and checks.


def test_indexes_defaults_and_checks_are_the_declared_ones(
    database: Database, declared: Callable[[Database], sa.Engine]
) -> None:
    assert described(database.engine) == described(declared(database))


def test_an_old_database_gets_them_too(upgraded: Database, declared: Callable[[Database], sa.Engine]) -> None:
    assert described(upgraded.engine) == described(declared(upgraded))
    assert set(described(upgraded.engine)) == set(metadata.tables)


def test_upgrading_again_changes_nothing(database: Database) -> None:
    with database.transaction() as tx:
        tx.execute(sa.text("INSERT INTO workers VALUES ('wrk_1', 'here', '', 1, 1)"))
    migrations.upgrade(database, FACTS)
    with database.transaction() as tx:
        assert tx.execute(sa.text("SELECT count(*) FROM workers")).scalar_one() == 1


def test_many_may_start_at_once(database_url: str) -> None:
    databases = [Database(database_url) for _ in range(4)]
    with ThreadPoolExecutor(len(databases)) as pool:
        list(pool.map(lambda database: migrations.upgrade(database, FACTS), databases))
    with databases[0].engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        versions = connection.execute(sa.text("SELECT version_num FROM alembic_version")).all()
    assert len(versions) == 1
    for database in databases:
        database.close()


def test_many_processes_may_start_at_once(database_url: str) -> None:
    script = (
        "import sys; from terrarium_server import migrations; from terrarium_server.store import Database\n"
        "database = Database(sys.argv[1]); migrations.upgrade(database, migrations.Facts({}, {}))\n"
        "database.close()"
    )
    command = [sys.executable, "-W", "error", "-c", script, database_url]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    assert [(process.communicate()[1], process.returncode) for process in processes] == [("", 0)] * 3


def test_a_newer_database_is_refused_and_left_alone(database: Database) -> None:
    with database.transaction() as tx:
        tx.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    for call in (lambda: migrations.upgrade(database, FACTS), lambda: migrations.check(database)):
        with pytest.raises(RuntimeError, match="version 9999, made by a newer Terrarium"):
            call()
    with database.transaction() as tx:
        assert migrations.version_in(tx) == "9999"


def test_the_history_has_one_head_and_upgrade_leads_to_it(database: Database) -> None:
    folder = Path(migrations.__file__).parent
    [head] = ScriptDirectory(folder).get_heads()
    with database.transaction() as tx:
        assert migrations.version_in(tx) == head == migrations.HEAD
