"""Credits: granted, held, settled, released. Append-only entries in integer micro-USD.

A workspace's balance is the sum of its entries; `balance` keeps that sum beside them so that a hold
need not add them up, and `check` proves that the two agree. A run has at most one hold and at most one
closing entry, by a unique constraint that no crash and no race gets past.
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
