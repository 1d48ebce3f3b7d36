"""Credits: granted, held, settled, released. Append-only entries in integer micro-USD.

A workspace's balance is the sum of its entries. The sum is stored as well, so that a hold need not add them
up, and `check` compares the two. A unique constraint allows a run one hold and one closing entry, whatever
crashes or races. Of a graph of runs only the root has a hold; the closing entries of its members say what
each cost and move nothing. A hold also counts as a start of the workspace's rate limit, in the same row.
"""

from ._ledger import (
    HELD,
    HOLD_ENTRY,
    Imbalance,
    check,
    grant,
    held_state,
    hold,
    hold_values,
    note_costs,
    open_account,
    read_balance,
    refill_starts,
    release,
    settle,
    start_state,
)
from ._tables import balances, entries

__all__ = [
    "HELD",
    "HOLD_ENTRY",
    "Imbalance",
    "balances",
    "check",
    "entries",
    "grant",
    "held_state",
    "hold",
    "hold_values",
    "note_costs",
    "open_account",
    "read_balance",
    "refill_starts",
    "release",
    "settle",
    "start_state",
]
