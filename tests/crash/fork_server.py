"""Starts Terrarium processes with injected faults, see `crash.faults`.

    python -m crash.fork_server

reads one JSON object per line from stdin, ``{"command": "serve", "arguments": [...], "environment": {...},
"log": path}``, forks a process for each (everything is imported once, so that a start is fast) and answers
with its process id. When stdin closes, it kills all of them.

``CRASH_PROVIDER`` is the address of the engines' provider.
"""

import gc
import json
import os
import signal
import sys
import threading
import traceback
from typing import Any

# Imported in advance for the forks.
import granian.server.embed  # noqa: F401
import sqlalchemy.dialects.postgresql.psycopg
import sqlalchemy.dialects.sqlite.pysqlite  # noqa: F401
import uvloop  # noqa: F401

from crash.faults import inject_faults
from crash.scripted import scripted_engines
from terrarium_server import app
from terrarium_server.commands import serve, worker


def _run(start: dict[str, Any]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    log = os.open(start["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.environ.update(start["environment"])
    app.discover = lambda _configuration, *, processes, scratch: scripted_engines()
    inject_faults(os.environ)
    {"serve": serve.app, "worker": worker.app}[start["command"]](start["arguments"])


class Children:
    """The processes that were started and have not ended."""

    def __init__(self) -> None:
        self._alive: set[int] = set()
        # Ended processes are reaped at once, so that the tests see that one is gone.
        signal.signal(signal.SIGCHLD, self._reap)

    def start(self, start: dict[str, Any]) -> int:
        """Fork one, and return its process id."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        pid = os.fork()
        if pid == 0:
            try:
                _run(start)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        self._alive.add(pid)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        return pid

    def kill(self) -> None:
        """Kill those that are left."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        for pid in self._alive:
            os.kill(pid, signal.SIGKILL)

    def _reap(self, *_: object) -> None:
        while self._alive:
            pid, _status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._alive.discard(pid)


def main() -> None:
    """Start one process for every line."""
    assert threading.active_count() == 1, "a fork would lose the other threads"
    # Objects that the garbage collector does not scan stay in memory that all forks share.
    gc.collect()
    gc.freeze()
    children = Children()
    for line in sys.stdin:
        print(children.start(json.loads(line)), flush=True)
    children.kill()


if __name__ == "__main__":
    main()
