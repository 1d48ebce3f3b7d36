"""A lock on a GPU: one process computes on it at a time."""

import os
import re
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl

# During a job the folder for temporary files is the job's own; this one is the same for all processes.
_SHARED = Path(tempfile.gettempdir())


class GpuLock:
    """A lock for the whole machine, by the GPU's name. Windows has no such locks: there it is always free."""

    def __init__(self, gpu: str, folder: Path | None = None) -> None:
        """Open the lock's file, which all users of the machine share."""
        name = re.sub(r"\W+", "-", gpu)
        path = (folder or _SHARED) / f"terrarium-gpu-{name}.lock"
        try:
            # Without O_CREAT first: systems forbid it for another user's file in a folder like /tmp.
            self._file = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            with suppress(OSError):
                path.chmod(0o666)

    @contextmanager
    def held(self, wait: Callable[[], None]) -> Generator[None]:
        """Hold the lock. While another process has it, ``wait`` is called again and again.

        ``wait`` must sleep for a moment, and may raise.
        """
        while not self._lock(exclusive=True):
            wait()
        try:
            yield
        finally:
            self._unlock()

    def is_held_elsewhere(self) -> bool:
        """Return whether another process holds the lock. Only for a process that does not hold it."""
        # A shared lock, so that two processes that only look do not see each other.
        if not self._lock(exclusive=False):
            return True
        self._unlock()
        return False

    def close(self) -> None:
        """Close the lock's file."""
        os.close(self._file)

    def _lock(self, *, exclusive: bool) -> bool:
        if sys.platform == "win32":
            return True
        try:
            fcntl.flock(self._file, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(self) -> None:
        if sys.platform != "win32":
            fcntl.flock(self._file, fcntl.LOCK_UN)
