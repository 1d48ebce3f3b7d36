"""What a run is: its states and legal moves, reads and lists.

    pending ──claim──▶ running ──▶ completed
       │                  └──────▶ failed
       └─────────────────────────▶ failed

A pending run *is* the queue: admission writes it, a worker claims it, in one statement.
"""

from ._moves import (
    RECORD,
    advance,
    claim,
    complete,
    fail,
    hand_on,
    orphans,
    record,
    record_values,
    requeue,
    show,
    take_over,
)
from ._reads import Run, RunOutcome, find_run, list_runs, owns_run, read_run, recent_durations
from ._signals import Signals
from ._tables import RunState, runs

__all__ = [
    "RECORD",
    "Run",
    "RunOutcome",
    "RunState",
    "Signals",
    "advance",
    "claim",
    "complete",
    "fail",
    "find_run",
    "hand_on",
    "list_runs",
    "orphans",
    "owns_run",
    "read_run",
    "recent_durations",
    "record",
    "record_values",
    "requeue",
    "runs",
    "show",
    "take_over",
]
