"""Identifies this machine and this process, so that others can tell whether the process still exists."""

import hashlib
import os
import socket
from functools import cache
from pathlib import Path


@cache
def this_machine() -> str:
    """Return an id of this machine since its last boot; each container has its own."""
    try:
        parts = [Path("/proc/sys/kernel/random/boot_id").read_text().strip()]
        # Processes that share these namespaces see each other and the same loopback addresses.
        parts += [os.readlink(f"/proc/self/ns/{name}") for name in ("pid", "net")]
    except OSError:
        parts = [socket.gethostname()]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]


def this_process() -> str:
    """Return an id of this process, for `is_gone`."""
    return f"{this_machine()} {os.getpid()} {_start_ticks(os.getpid()) or ''}"


def machine_of(process: str) -> str:
    """Return the machine of a process, from the process's id."""
    return process.partition(" ")[0]


def is_gone(process: str) -> bool:
    """Whether a process has certainly ended. A suspended one may continue at any moment."""
    machine, _, rest = process.partition(" ")
    number, _, start = rest.partition(" ")
    if machine != this_machine() or not number.isdigit() or int(number) == os.getpid():
        return False
    if start:
        # The system reuses process numbers.
        return _start_ticks(int(number)) != start
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass
    return False


def _start_ticks(number: int) -> str | None:
    """Return when a process started, in clock ticks since boot; None if it is gone or this is not Linux."""
    try:
        stat = Path(f"/proc/{number}/stat").read_text()
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else fields[18]
