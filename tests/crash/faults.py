"""Fault injection for the processes of these tests. The product's functions are wrapped, not changed.

A process reads its faults from its environment:

    CRASH_AT      "before runs.write_progress 1": it kills itself at the first call of that step
    CRASH_STOP    likewise, but it stops (SIGSTOP) until the test lets it continue
    CRASH_GATE    a file; while it exists nothing is claimed
    CRASH_ERRORS  a file with instructions for database errors, see `DatabaseErrors`
    CRASH_CLOCK   how many seconds its clock is ahead
    CRASH_SILENCE how many seconds an engine may be silent, and a call may take
    CRASH_BUSY    how many seconds SQLite waits for a lock of another process
    CRASH_CUT_OFF a file; while it exists the lease cannot be renewed
    CRASH_BROKEN  a file; while it exists every statement fails
    CRASH_CHORES  the seconds between a worker's periodic tasks
    CRASH_SHOW    the seconds between two writes of progress

A step is one call at a moment:

    before   when it is called
    inside   when it has returned, in the transaction that is still open
    after    when its transaction has committed, or when it has returned if it has none
"""

import functools
import inspect
import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from crash.database_errors import DatabaseErrors
from crash.scripted import ScriptedEngine
from terrarium_server import admission, assets, canvas, runs, settlement
from terrarium_server.execution import _progress as progress
from terrarium_server.execution import _submissions as submissions
from terrarium_server.execution import _worker as worker
from terrarium_server.store import Database, Transaction

# What a process prints before it kills or stops itself.
ANNOUNCEMENT = "signals itself: "
# The file next to the gate that is created when a claim was refused.
CLAIM_REFUSED = "claim refused"

# The object on which the product looks up each function at every call.
STEPS: dict[str, tuple[Any, str]] = {
    "admission.admit": (admission.Admission, "admit"),
    "admission.admit_graph": (admission.Admission, "admit_graph"),
    "runs.claim": (runs, "claim"),
    "engine.prepare": (ScriptedEngine, "prepare"),
    "submissions.mark": (submissions, "mark"),
    "engine.submit": (ScriptedEngine, "submit"),
    "engine.find": (ScriptedEngine, "find"),
    "submissions.record_ticket": (submissions, "record_ticket"),
    "submissions.conclude": (submissions, "conclude"),
    "engine.poll": (ScriptedEngine, "poll"),
    "engine.cancel": (ScriptedEngine, "cancel"),
    "runs.write_progress": (runs, "write_progress"),
    "assets.keep": (assets, "keep"),
    "settlement.complete": (settlement, "complete"),
    "runs.complete": (runs, "complete"),
    "canvas.place_outputs": (canvas, "place_outputs"),
    "runs.take_over": (runs, "take_over"),
    "runs.requeue_abandoned": (runs, "requeue_abandoned"),
}
# Their results if there was nothing to do, which does not count as a step.
_NOTHING: dict[str, object] = {"runs.claim": [], "runs.take_over": None, "runs.requeue_abandoned": False}

_SIGNALS = {"CRASH_AT": signal.SIGKILL, "CRASH_STOP": signal.SIGSTOP}


def inject_faults(environment: Mapping[str, str]) -> None:
    """Inject the faults that the environment names into this process."""
    for name, number in _SIGNALS.items():
        if at := environment.get(name):
            _signal_at(at, number)
    if file := environment.get("CRASH_ERRORS"):
        errors = DatabaseErrors(Path(file))
        runs.claim = errors.around_claim(runs.claim)
        _on_opened(errors.watch)
    if gate := environment.get("CRASH_GATE"):
        _claim_only_without(Path(gate))
    if seconds := environment.get("CRASH_CLOCK"):
        _set_clock(float(seconds))
    if seconds := environment.get("CRASH_SILENCE"):
        ScriptedEngine.longest_silence = float(seconds)
    if seconds := environment.get("CRASH_BUSY"):
        _on_opened(functools.partial(_wait_for_locks, float(seconds)))
    if file := environment.get("CRASH_CUT_OFF"):
        _renew_only_without(Path(file))
    if file := environment.get("CRASH_BROKEN"):
        _on_opened(functools.partial(_fail_while_exists, Path(file)))
    if seconds := environment.get("CRASH_CHORES"):
        worker._CHORES_SECONDS = float(seconds)  # pyright: ignore[reportPrivateUsage]
    if seconds := environment.get("CRASH_SHOW"):
        progress._EVERY_SECONDS = float(seconds)  # pyright: ignore[reportPrivateUsage]


def _signal_at(at: str, number: signal.Signals) -> None:
    when, step, wanted = at.split()
    owner, name = STEPS[step]
    original: Callable[..., Any] = getattr(owner, name)
    calls = itertools.count(1)

    def signal_itself() -> None:
        os.write(1, f"{ANNOUNCEMENT}{at}\n".encode())
        # To this thread, which would otherwise continue until another thread has handled the signal.
        signal.pthread_kill(threading.get_ident(), number)

    def called() -> None:
        if when == "before" and next(calls) == int(wanted):
            signal_itself()

    def returned(args: tuple[Any, ...], result: Any) -> None:
        is_step = step not in _NOTHING or result != _NOTHING[step]
        if when == "before" or not is_step or next(calls) != int(wanted):
            return
        transaction = next((arg for arg in args if isinstance(arg, Transaction)), None)
        if when == "after" and transaction is not None:
            transaction.after_commit(signal_itself)
        else:
            signal_itself()

    @functools.wraps(original)
    def plain(*args: Any, **options: Any) -> Any:
        called()
        result = original(*args, **options)
        returned(args, result)
        return result

    @functools.wraps(original)
    async def coroutine(*args: Any, **options: Any) -> Any:
        called()
        result = await original(*args, **options)
        returned(args, result)
        return result

    setattr(owner, name, coroutine if inspect.iscoroutinefunction(original) else plain)


def _claim_only_without(gate: Path) -> None:
    original = runs.claim

    @functools.wraps(original)
    def claim(*args: Any) -> list[runs.Run]:
        if gate.exists():
            gate.with_name(CLAIM_REFUSED).touch()
            return []
        return original(*args)

    runs.claim = claim


def _renew_only_without(file: Path) -> None:
    original = Database.renewal

    @contextmanager
    def renewal(self: Database) -> Generator[Transaction]:
        if file.exists():
            raise OperationalError("renew", None, ConnectionError("cut off by the test"))
        with original(self) as tx:
            yield tx

    Database.renewal = renewal


def _set_clock(ahead: float) -> None:
    seconds, nanoseconds = time.time, time.time_ns
    time.time = lambda: seconds() + ahead
    time.time_ns = lambda: nanoseconds() + round(ahead * 1e9)


def _on_opened(then: Callable[[Database], None]) -> None:
    original = Database.__init__

    @functools.wraps(original)
    def opened(self: Database, *args: Any, **options: Any) -> None:
        original(self, *args, **options)
        then(self)

    Database.__init__ = opened


def _wait_for_locks(seconds: float, database: Database) -> None:
    if not database.is_sqlite:
        return

    @event.listens_for(database.engine, "connect")
    def configure(connection: Any, _record: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        connection.execute(f"PRAGMA busy_timeout={round(seconds * 1000)}")


def _fail_while_exists(file: Path, database: Database) -> None:
    @event.listens_for(database.engine, "do_execute")
    def execute(*_: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        if file.exists():
            raise database.engine.dialect.loaded_dbapi.OperationalError("disk I/O error")
