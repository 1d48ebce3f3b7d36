"""Credits: granted, held, settled, released. Append-only entries in integer micro-USD.

A workspace's balance is the sum of its entries. The sum is stored as well, so that a hold need not add them
up, and `check` compares the two. A unique constraint allows a run one hold and one closing entry, whatever
crashes or races.
"""

from ._ledger import (
    MOVE_AT_ONCE,
    Imbalance,
    check,
    grant,
    hold,
    hold_values,
    open_account,
    read_balance,
    release,
    settle,
)
from ._tables import balances, entries

__all__ = [
    "MOVE_AT_ONCE",
    "Imbalance",
    "balances",
    "check",
    "entries",
    "grant",
    "hold",
    "hold_values",
    "open_account",
    "read_balance",
    "release",
    "settle",
]
