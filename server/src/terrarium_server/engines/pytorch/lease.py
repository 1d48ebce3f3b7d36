"""A GPU is worked on by one process at a time, and whoever rests makes room for whoever works."""

import os
import re
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl

# While a job is done, the folder for temporary files is its own; this one is everybody's.
_SHARED = Path(tempfile.gettempdir())


class Lease:
    """A lock for the whole machine, by the GPU's name. Without such locks (Windows) it is always had."""

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
    def held(self, waiting: Callable[[], None]) -> Generator[None]:
        """Wait for the GPU, calling ``waiting`` again and again, which must take its time and may raise."""
        while not self._lock(exclusive=True):
            waiting()
        try:
            yield
        finally:
            self._unlock()

    def wanted(self) -> bool:
        """Say whether another process works on the GPU now. Only for a process that does not."""
        # Shared: two that only look must not take each other for working.
        if not self._lock(exclusive=False):
            return True
        self._unlock()
        return False

    def close(self) -> None:
        """Give the file back."""
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
