"""Storage: one database (`Database`, `Transaction`) and one blob store (`Blobs`)."""

from ._blobs import Blobs
from ._database import UNAVAILABLE, Database
from ._engines import sqlite_file
from ._transaction import Transaction, metadata

__all__ = ["UNAVAILABLE", "Blobs", "Database", "Transaction", "metadata", "sqlite_file"]
