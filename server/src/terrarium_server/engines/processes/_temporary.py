"""The folder of one server or worker for temporary files, and those that dead ones left."""

import fcntl
import os
import shutil
from contextlib import suppress
from pathlib import Path


class TemporaryFolder:
    """A folder that its process holds a lock on for as long as it lives, however it ends.

    Where another process can have the lock, the folder belongs to nobody. A file system that has no locks on
    folders, as network file systems, keeps what a dead process leaves.
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
        """Delete the folder with all that is in it. Harmless when it was never claimed."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def remove_abandoned(parent: Path) -> None:
    """Delete the folders in ``parent`` whose processes are gone."""
    with suppress(FileNotFoundError):
        for folder in list(parent.iterdir()):
            try:
                lock = _locked(folder, wait=False)
            except OSError:
                # Its process lives, somebody else deletes it, or it is no folder.
                continue
            if lock is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)


def _locked(folder: Path, *, wait: bool) -> int | None:
    """Return a descriptor that holds the lock; None if the folder is another one by now. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if wait:
            # Without such locks it is used all the same: nobody else can lock it, and delete it, either.
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever deletes a folder has its lock: what was waited for may be gone, or made anew.
        if os.path.samestat(os.fstat(descriptor), folder.stat()):
            return descriptor
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None
