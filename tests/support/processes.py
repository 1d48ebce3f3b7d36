"""The children and descendants of processes, and their state, from Linux's /proc."""

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_GONE = (FileNotFoundError, ProcessLookupError)


def is_alive(pid: int) -> bool:
    """Whether a process runs or is stopped; a zombie is not alive."""
    try:
        return _status(pid)[0] not in "ZX"
    except _GONE:
        return False


def is_stopped(pid: int) -> bool:
    """Whether a process is stopped, or has ended."""
    try:
        return _status(pid)[0] in "TtZX"
    except _GONE:
        return True


def children(pid: int) -> list[int]:
    """Return the children of a process, in any session."""
    return [child for child, parent in _parents() if parent == pid]


def descendants(pid: int) -> list[int]:
    """Return the children of a process, their children, and so on."""
    children_of: dict[int, list[int]] = {}
    for child, parent in _parents():
        children_of.setdefault(parent, []).append(child)
    below: list[int] = []
    left = [pid]
    while left:
        started = children_of.get(left.pop(), [])
        below += started
        left += started
    return below


def send(number: signal.Signals, pids: Iterable[int]) -> None:
    """Send a signal to those of these processes that still exist."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def command_line(pid: int) -> list[str]:
    """Return the command line of a process; empty if it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
    except _GONE:
        return []


def _parents() -> list[tuple[int, int]]:
    """Return each live process with its parent."""
    pairs: list[tuple[int, int]] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(*_GONE):
                state, parent, *_ = _status(int(entry.name))
                if state not in "ZX":
                    pairs.append((int(entry.name), int(parent)))
    return pairs


def _status(pid: int) -> list[str]:
    # The second field is the program's name in parentheses, which may hold anything.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
