from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from terrarium_server.store import Database, Transaction

HEAD = "0004"
_FOLDER = Path(__file__).parent
# Any number of processes may start at once; one of them migrates, the others wait for this lock.
_LOCK = 7461726
_HAS_VERSION = {
    "sqlite": sa.text("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'"),
    "postgresql": sa.text("SELECT to_regclass('alembic_version')"),
}
_VERSION = sa.text("SELECT version_num FROM alembic_version")
# For how long after the time in such a column a worker may be alive: its last beat, or the end of its lease,
# which is some 10 s after it was renewed.
_SILENT_MS = {"heartbeat_at": 60_000, "lease_until": 50_000}


class UpgradeError(RuntimeError):
    """The database cannot be used as it is; the message says what to do."""


class SchemaOutOfDate(UpgradeError):
    """The database is of an older version, or there is none yet; the message says what to do."""


class WorkersAlive(UpgradeError):
    """A worker of the older version may be at work on the database; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What old runs do not say of themselves: the catalogue and the owner's configuration.

    ``engines`` maps a model to its engine, ``fallback`` a model to the owner's second choice for it;
    ``repeatable`` are the names of the engines that are.
    """

    engines: Mapping[str, str]
    fallback: Mapping[str, str]
    repeatable: Collection[str] = ()


def upgrade(database: Database, facts: Facts) -> None:
    """Bring the schema up to date; quick when it is. All of it is done, or nothing.

    Raises WorkersAlive while a worker may be at work on an older version (PostgreSQL; on SQLite the caller
    holds the file's lock), and UpgradeError for a database that a newer version made.
    """
    with database.transaction() as tx:
        if version_in(tx) == HEAD:
            return
        clock = tx.clock
    # Alembic takes longer to import than the check above, and a start rarely needs it.
    from alembic import command
    from alembic.config import Config

    with _locked(database) as connection:
        # Another process may have done it while this one waited.
        version = _read_version(connection.execute, connection.dialect.name)
        if version == HEAD:
            return
        _refuse_newer(version)
        if not database.is_sqlite:
            _refuse_beside_workers(connection, clock)
        config = Config()
        config.set_main_option("script_location", str(_FOLDER))
        now_ms = connection.execute(sa.select(clock)).scalar_one()
        config.attributes.update(connection=connection, facts=facts, now_ms=now_ms)
        command.upgrade(config, "head")


def check(database: Database) -> None:
    """Say nothing if the schema is up to date.

    Raises SchemaOutOfDate for an older or an empty database, UpgradeError for one that a newer version made.
    """
    with database.transaction() as tx:
        version = version_in(tx)
    if version == HEAD:
        return
    if version is None:
        raise SchemaOutOfDate("there is no database yet; start `terrarium serve` once")
    _refuse_newer(version)
    raise SchemaOutOfDate(
        "the database is of an older version; "
        "start `terrarium serve` (or `worker`) once to bring it up to date"
    )


def version_in(tx: Transaction) -> str | None:
    """Return the version of the schema, None if there is none yet; cheap enough to be asked all the time."""
    return _read_version(tx.execute, tx.dialect)


def _read_version(execute: Callable[[sa.Executable], sa.CursorResult[Any]], dialect: str) -> str | None:
    # Asking a table that is not there would end a transaction on PostgreSQL.
    if execute(_HAS_VERSION[dialect]).scalar() is None:
        return None
    return execute(_VERSION).scalar()


def _refuse_newer(version: str | None) -> None:
    from alembic import script

    known = {revision.revision for revision in script.ScriptDirectory(_FOLDER).walk_revisions()}
    if version is not None and version not in known:
        raise UpgradeError(
            f"the database is at version {version}, made by a newer Terrarium: upgrade this one"
        )


def _refuse_beside_workers(connection: sa.Connection, clock: sa.ColumnElement[int]) -> None:
    inspector = sa.inspect(connection)
    if not inspector.has_table("workers"):
        return
    columns = {column["name"] for column in inspector.get_columns("workers")}
    [(name, silent_ms)] = [(name, after) for name, after in _SILENT_MS.items() if name in columns]
    heard_of = sa.column(name, sa.BigInteger)
    alive = sa.select(sa.func.count()).select_from(sa.table("workers")).where(heard_of > clock - silent_ms)
    if connection.execute(alive).scalar_one():
        raise WorkersAlive(
            "workers of the older version may be at work; stop all servers and workers of the "
            "older version first, or wait a minute after they were killed"
        )


@contextmanager
def _locked(database: Database) -> Generator[sa.Connection]:
    """Begin a transaction in which nobody else migrates; commit at the end of the block."""
    with database.engine.connect() as connection:
        if not database.is_sqlite:
            with connection.begin():
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
                yield connection
            return
        # Tables that others refer to are made anew. Inside a transaction the switch would do nothing.
        _switch_foreign_keys(connection, "OFF")
        try:
            with connection.begin():
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                yield connection
                _check_foreign_keys(connection)
        finally:
            _switch_foreign_keys(connection, "ON")


def _switch_foreign_keys(connection: sa.Connection, state: str) -> None:
    connection.exec_driver_sql(f"PRAGMA foreign_keys={state}")
    connection.commit()


def _check_foreign_keys(connection: sa.Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise UpgradeError(
            f"the upgrade would leave a row of the table {broken[0]} that refers to a missing row of "
            f"{broken[2]}; nothing was changed"
        )
