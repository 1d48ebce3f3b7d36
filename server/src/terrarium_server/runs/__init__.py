"""Runs: their states and legal moves, reads and lists.

    pending ──claim──▶ running ──▶ completed
       │ ▲───────────────┤ └─────▶ failed
       └─────────────────────────▶ failed

The pending runs are the queue: admission writes one, a worker claims it in one statement. A running run
becomes pending again when its worker died, its provider is busy, or the fallback model takes it.
"""

from ._moves import (
    RECORD,
    RunProgress,
    cancel,
    claim,
    complete,
    engines_waited_for,
    fail,
    fall_back,
    forget_progress,
    give_up,
    has_due,
    held_by,
    is_completed_by,
    is_held,
    leave,
    lock_if_free,
    pending_of,
    postpone,
    record,
    record_values,
    requeue,
    requeue_abandoned,
    take_over,
    waiting_by_engine,
    wake_postponed,
    write_progress,
)
from ._reads import (
    COLUMNS,
    Run,
    RunOutcome,
    find_run,
    list_runs,
    new_run,
    owns_run,
    read_run,
    recent_durations,
)
from ._signals import Signals
from ._tables import RUNNING, RunState, RunType, run_progress, runs

__all__ = [
    "COLUMNS",
    "RECORD",
    "RUNNING",
    "Run",
    "RunOutcome",
    "RunProgress",
    "RunState",
    "RunType",
    "Signals",
    "cancel",
    "claim",
    "complete",
    "engines_waited_for",
    "fail",
    "fall_back",
    "find_run",
    "forget_progress",
    "give_up",
    "has_due",
    "held_by",
    "is_completed_by",
    "is_held",
    "leave",
    "list_runs",
    "lock_if_free",
    "new_run",
    "owns_run",
    "pending_of",
    "postpone",
    "read_run",
    "recent_durations",
    "record",
    "record_values",
    "requeue",
    "requeue_abandoned",
    "run_progress",
    "runs",
    "take_over",
    "waiting_by_engine",
    "wake_postponed",
    "write_progress",
]
