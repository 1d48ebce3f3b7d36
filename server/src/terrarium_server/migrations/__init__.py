"""The schema's history (Alembic). A new one is a new file in `versions/`; none is ever edited."""

from terrarium_server.store import Database

from ._upgrade import upgrade

__all__ = ["Database", "upgrade"]
