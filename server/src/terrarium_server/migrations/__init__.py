"""The schema's history (Alembic). A new one is a new file in `versions/`; none is ever edited."""

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
