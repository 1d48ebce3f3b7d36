"""What everything is kept in: one database (`Database`, `Transaction`) and one blob store (`Blobs`)."""

from ._blobs import Blobs
from ._database import Database, Transaction, metadata

__all__ = ["Blobs", "Database", "Transaction", "metadata"]
