from pathlib import Path

import sqlalchemy as sa

from terrarium_server.store import Database

HEAD = "0002"
_FOLDER = Path(__file__).parent
# Any number of processes may start at once; one of them migrates, the others wait for this lock.
_LOCK = 7461726


def upgrade(database: Database) -> None:
    """Bring the schema up to date; quick when it is.

    Raises RuntimeError for a database that a newer version made.
    """
    if _version(database) == HEAD:
        return
    # Alembic takes longer to import than the check above, and a start rarely needs it.
    from alembic import command, script
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    known = {revision.revision for revision in script.ScriptDirectory.from_config(config).walk_revisions()}
    version = _version(database)
    if version is not None and version not in known:
        raise RuntimeError(
            f"the database is at version {version}, made by a newer Terrarium: upgrade this one"
        )
    with database.engine.begin() as connection:
        if database.is_sqlite:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _version(database: Database) -> str | None:
    with database.engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
