"""What everything is kept in: one database (`Database`, `Transaction`) and one blob store (`Blobs`)."""

from ._blobs import Blobs
from ._database import Database
from ._transaction import Transaction, metadata

__all__ = ["Blobs", "Database", "Transaction", "metadata"]
