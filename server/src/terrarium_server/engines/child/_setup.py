"""Settings of a model process: signals, priority, its end, and its temporary files."""

import os
import signal
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

_NICENESS = 10
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_AUTOGROUP = Path("/proc/self/autogroup")
# The kernel lets all users together change autogroups ten times a second.
_TRIES, _PAUSE = 100, 0.1


def ignore_stop_signals() -> None:
    """Ignore SIGINT and SIGTERM: the server decides when this process ends.

    They also stay blocked, as they were when the process started, because its programs inherit that.
    Ignoring them matters if a library unblocks them.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    for number in _STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def lower_priority() -> None:
    """Lower the priority below the server's, which must answer its callers quickly."""
    niceness = os.nice(_NICENESS)
    # Linux may divide the processor between sessions first, and by niceness only within a session. This
    # process has a session of its own, so the session's priority is lowered too.
    if _AUTOGROUP.exists():
        threading.Thread(target=_lower_session, args=(niceness,), daemon=True).start()


def _lower_session(niceness: int) -> None:
    for _ in range(_TRIES):
        try:
            _AUTOGROUP.write_text(str(niceness))
            return
        except BlockingIOError:
            time.sleep(_PAUSE)
        except OSError:
            # This kernel or container does not allow it.
            return


def kill_session() -> NoReturn:
    """End this process and all programs that it started, because the server has ended."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


@contextmanager
def temporary_files_in(folder: Path) -> Generator[None]:
    """Put temporary files into a folder, also those of programs that are started meanwhile."""
    before, variable = tempfile.gettempdir(), os.environ.get("TMPDIR")
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before
        if variable is None:
            os.environ.pop("TMPDIR", None)
        else:
            os.environ["TMPDIR"] = variable
