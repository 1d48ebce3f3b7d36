"""What a model process does with itself, once and around each job."""

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
# Users may change it ten times a second, all of them together.
_TRIES, _PAUSE = 100, 0.1


def ignore_stop_signals() -> None:
    """Leave it to the server when this process ends.

    They stay blocked, as the server started it with them, because what this process starts itself inherits
    that; ignored they are in case a library lets them come again.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    for number in _STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def give_way() -> None:
    """Lower the priority: the server answers people, and a model can wait a moment."""
    niceness = os.nice(_NICENESS)
    # Linux may share the processor between sessions before it looks at niceness within one. A process in
    # another session than the server's gives way only if its session does.
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
            # Not in this kernel or container; then sessions are not weighed either, or nothing can be done.
            return


def end_session() -> NoReturn:
    """End, once the server is gone: nobody wants what is being made, nor what was started for it."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


@contextmanager
def files_in(folder: Path) -> Generator[None]:
    """Let whatever makes temporary files, here and in programs that are started, make them in a folder."""
    usual, variable = tempfile.gettempdir(), os.environ.get("TMPDIR")
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = usual
        if variable is None:
            os.environ.pop("TMPDIR", None)
        else:
            os.environ["TMPDIR"] = variable
