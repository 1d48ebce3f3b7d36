"""Storage: one database (`Database`, `Transaction`), its `Notifications`, and one blob store (`Blobs`)."""

from ._blobs import Blobs
from ._database import UNAVAILABLE, Database
from ._engines import sqlite_file
from ._notifications import Intervals, Notifications
from ._transaction import Transaction, metadata

__all__ = [
    "UNAVAILABLE",
    "Blobs",
    "Database",
    "Intervals",
    "Notifications",
    "Transaction",
    "metadata",
    "sqlite_file",
]
