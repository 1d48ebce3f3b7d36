"""The schema's history (Alembic). A change is a new file in `versions/`; released files never change."""

from terrarium_server.store import Database

from ._upgrade import (
    HEAD,
    Facts,
    SchemaOutOfDate,
    UpgradeError,
    WorkersAlive,
    check,
    upgrade,
    version_in,
)

__all__ = [
    "HEAD",
    "Database",
    "Facts",
    "SchemaOutOfDate",
    "UpgradeError",
    "WorkersAlive",
    "check",
    "upgrade",
    "version_in",
]
