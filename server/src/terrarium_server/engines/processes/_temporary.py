"""The folder of one server or worker for temporary files, and the removal of abandoned ones."""

import fcntl
import os
import shutil
from contextlib import suppress
from pathlib import Path


class TemporaryFolder:
    """A folder that is locked while its process lives, however the process ends.

    A folder that another process can lock is abandoned. On file systems without locks on folders, such as
    network file systems, abandoned folders are kept.
    """

    def __init__(self, path: Path) -> None:
        """Make nothing yet."""
        self.path = path
        self._lock: int | None = None

    def claim(self) -> None:
        """Make the folder and lock it. Raises OSError."""
        while self._lock is None:
            self.path.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                self._lock = _locked(self.path, wait=True)

    def release(self) -> None:
        """Delete the folder and all files in it. Harmless if it was never claimed."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def remove_abandoned(parent: Path) -> None:
    """Delete the folders in ``parent`` whose processes have ended."""
    with suppress(FileNotFoundError):
        for folder in list(parent.iterdir()):
            try:
                lock = _locked(folder, wait=False)
            except OSError:
                # Its process lives, another process deletes it, or it is no folder.
                continue
            if lock is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)


def _locked(folder: Path, *, wait: bool) -> int | None:
    """Return a descriptor that holds the lock; None if the folder was replaced meanwhile. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if wait:
            # Without locks the folder is used anyway: no other process can lock it, and delete it, either.
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # The process that held the lock may have deleted the folder, and another may have made it anew.
        if os.path.samestat(os.fstat(descriptor), folder.stat()):
            return descriptor
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None
