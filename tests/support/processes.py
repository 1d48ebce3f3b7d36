"""What a process has started, and what that has started in turn, as Linux tells it."""

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_GONE = (FileNotFoundError, ProcessLookupError)


def is_alive(pid: int) -> bool:
    """Whether a process runs or stands still; one that has ended and waits for its parent does not."""
    try:
        return _status(pid)[0] not in "ZX"
    except _GONE:
        return False


def stands_still(pid: int) -> bool:
    """Whether a process was stopped, or has ended."""
    try:
        return _status(pid)[0] in "TtZX"
    except _GONE:
        return True


def children(pid: int) -> list[int]:
    """The processes that a process has started, whatever session they live in."""
    return [child for child, parent in _parents() if parent == pid]


def descendants(pid: int) -> list[int]:
    """Its children, theirs, and so on."""
    started: dict[int, list[int]] = {}
    for child, parent in _parents():
        started.setdefault(parent, []).append(child)
    found: list[int] = []
    left = [pid]
    while left:
        below = started.get(left.pop(), [])
        found += below
        left += below
    return found


def send(number: signal.Signals, pids: Iterable[int]) -> None:
    """Send a signal to those that are still there."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def words_of(pid: int) -> list[str]:
    """The command line of a process; nothing if it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
    except _GONE:
        return []


def _parents() -> list[tuple[int, int]]:
    """Each process that runs, with its parent."""
    found: list[tuple[int, int]] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(*_GONE):
                state, parent, *_ = _status(int(entry.name))
                if state not in "ZX":
                    found.append((int(entry.name), int(parent)))
    return found


def _status(pid: int) -> list[str]:
    # The second field is the program's name in parentheses, which may hold anything.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
