"""Which machine and which process this is, so that others can tell whether it is still there."""

import hashlib
import os
import socket
from functools import cache
from pathlib import Path


@cache
def this_machine() -> str:
    """Name this machine since its last start, as its processes see it: a container is one of its own."""
    try:
        parts = [Path("/proc/sys/kernel/random/boot_id").read_text().strip()]
        # Whoever shares these sees the same processes and the same loopback addresses.
        parts += [os.readlink(f"/proc/self/ns/{name}") for name in ("pid", "net")]
    except OSError:
        parts = [socket.gethostname()]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]


def this_process() -> str:
    """Name this process, see `is_gone`."""
    return f"{this_machine()} {os.getpid()} {_began(os.getpid()) or ''}"


def machine_of(process: str) -> str:
    """Return the machine that a process was on."""
    return process.partition(" ")[0]


def is_gone(process: str) -> bool:
    """Whether a process certainly does nothing any more. A stopped one may go on at any moment."""
    machine, _, rest = process.partition(" ")
    number, _, began = rest.partition(" ")
    if machine != this_machine() or not number.isdigit() or int(number) == os.getpid():
        return False
    if began:
        # Numbers are given out again.
        return _began(int(number)) != began
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass
    return False


def _began(number: int) -> str | None:
    """When a process began, in ticks since the machine did; None if it is gone or this is not Linux."""
    try:
        said = Path(f"/proc/{number}/stat").read_text()
    except OSError:
        return None
    state, *fields = said.rpartition(")")[2].split()
    return None if state in "ZX" else fields[18]
