"""Upgrading the database to this version's schema, and checking its version."""

from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from terrarium_server.store import Database, Transaction

HEAD = "0011"
_FOLDER = Path(__file__).parent
# Any number of processes may start at once; one of them migrates, the others wait for this lock.
_LOCK = 7461726
_HAS_VERSION = {
    "sqlite": sa.text("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'"),
    "postgresql": sa.text("SELECT to_regclass('alembic_version')"),
}
_VERSION = sa.text("SELECT version_num FROM alembic_version")
# How long after the time in one of these columns a worker may still be alive: after its last heartbeat, or
# after the end of its lease, which is some 10 s after the renewal.
_SILENT_MS = {"heartbeat_at": 60_000, "lease_until": 50_000}


class UpgradeError(RuntimeError):
    """The database cannot be used as it is; the message says what to do."""


class SchemaOutOfDate(UpgradeError):
    """The database is of an older version, or there is none yet; the message says what to do."""


class WorkersAlive(UpgradeError):
    """A worker of the older version may be using the database; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What an upgrade needs and old databases do not hold: the catalogue and the owner's configuration.

    ``engines`` maps a model to its engine, ``fallback`` a model to the owner's second choice for it;
    ``repeatable`` names the repeatable engines.
    """

    engines: Mapping[str, str]
    fallback: Mapping[str, str]
    repeatable: Collection[str] = ()


def upgrade(database: Database, facts: Facts) -> None:
    """Bring the schema up to date in one transaction; fast if it is up to date.

    Raises WorkersAlive while a worker may be using an older version (PostgreSQL; on SQLite the caller holds
    the file's lock), and UpgradeError for a database of a newer version.
    """
    with database.transaction() as tx:
        if version_in(tx) == HEAD:
            return
        clock = tx.clock
    # Alembic is slow to import, and a start rarely needs it.
    from alembic import command
    from alembic.config import Config

    with _locked(database) as connection:
        # Another process may have upgraded it while this one waited for the lock.
        version = _read_version(connection.execute, connection.dialect.name)
        if version == HEAD:
            return
        _refuse_newer(version)
        if not database.is_sqlite:
            _refuse_live_workers(connection, clock)
        config = Config()
        config.set_main_option("script_location", str(_FOLDER))
        now_ms = connection.execute(sa.select(clock)).scalar_one()
        config.attributes.update(connection=connection, facts=facts, now_ms=now_ms)
        command.upgrade(config, "head")


def check(database: Database) -> None:
    """Check that the schema is up to date.

    Raises SchemaOutOfDate for an older or an empty database, UpgradeError for one of a newer version.
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
    """Return the version of the schema, None if there is none yet; cheap enough to be called often."""
    return _read_version(tx.execute, tx.dialect)


def _read_version(execute: Callable[[sa.Executable], sa.CursorResult[Any]], dialect: str) -> str | None:
    # On PostgreSQL, reading a table that does not exist would abort the transaction.
    if execute(_HAS_VERSION[dialect]).scalar() is None:
        return None
    return execute(_VERSION).scalar()


def _refuse_newer(version: str | None) -> None:
    from alembic import script

    versions = {revision.revision for revision in script.ScriptDirectory(_FOLDER).walk_revisions()}
    if version is not None and version not in versions:
        raise UpgradeError(
            f"the database is at version {version}, made by a newer Terrarium: upgrade this one"
        )


def _refuse_live_workers(connection: sa.Connection, clock: sa.ColumnElement[int]) -> None:
    inspector = sa.inspect(connection)
    if not inspector.has_table("workers"):
        return
    columns = {column["name"] for column in inspector.get_columns("workers")}
    [(name, silent_ms)] = [(name, after) for name, after in _SILENT_MS.items() if name in columns]
    last_seen = sa.column(name, sa.BigInteger)
    alive = sa.select(sa.func.count()).select_from(sa.table("workers")).where(last_seen > clock - silent_ms)
    if connection.execute(alive).scalar_one():
        raise WorkersAlive(
            "workers of the older version may be running; stop all servers and workers of the "
            "older version first, or wait a minute after they were killed"
        )


@contextmanager
def _locked(database: Database) -> Generator[sa.Connection]:
    """Begin a transaction under the lock of migrations; commit at the end of the block."""
    with database.engine.connect() as connection:
        if not database.is_sqlite:
            with connection.begin():
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
                yield connection
            return
        # Migrations recreate tables that others refer to. This pragma has no effect inside a transaction.
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
