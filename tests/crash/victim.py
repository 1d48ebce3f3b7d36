"""Starts Terrarium processes that kill themselves at a chosen moment.

    python victim.py

reads one JSON object a line from stdin, ``{"command": "serve", "words": [...], "environment": {...},
"log": path}``, starts each as a fork of itself (the imports are done once, so that a start takes no time)
and answers with its process id. When stdin closes, all of them are killed.

The product knows nothing of this: what it calls is wrapped here, in the child, before it starts.
``CRASH_AT="before runs.advance 1"`` kills the process with SIGKILL at the first call:

    before   when it is called
    inside   when it has returned, in the transaction that is still open
    after    when its transaction has committed, or when it has returned if it has none

``CRASH_PROVIDER`` is the provider's address; while the file ``CRASH_GATE`` exists nothing is claimed.
"""

import functools
import itertools
import json
import os
import signal
import sys
import threading
import traceback
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import uvicorn  # noqa: F401 - imported ahead for the forks

from terrarium_server import admission, app, assets, canvas, runs
from terrarium_server.commands import serve, worker
from terrarium_server.engines import Engines, Finished, Job, Look, Lost, Output, Ticket, Waiting
from terrarium_server.store import Transaction

ANNOUNCEMENT = "killed itself "


class ScriptedEngine:
    """Asks the provider of the test process."""

    def __init__(self, name: str, *, repeatable: bool) -> None:
        self.name = name
        self.repeatable = repeatable

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        return None

    def submit(self, job: Job) -> Ticket:
        return Ticket(_ask("submit", key=job.key)["ticket"])

    def look(self, ticket: Ticket, *, wait_seconds: float) -> Look:
        match _ask("look", ticket=ticket):
            case {"status": "waiting", "progress": progress}:
                return Waiting(progress)
            case {"status": "finished", "picture": picture}:
                return Finished((Output("image/png", picture.encode(), 8, 8),))
            case _:
                return Lost()

    def cancel(self, ticket: Ticket) -> None:
        """The provider cannot be stopped."""

    def close(self) -> None:
        """Nothing to let go of."""


# Where the product looks each of them up at every call.
STEPS: dict[str, tuple[Any, str]] = {
    "admission.admit": (admission.Admission, "admit"),
    "runs.claim": (runs, "claim"),
    "engine.submit": (ScriptedEngine, "submit"),
    "engine.look": (ScriptedEngine, "look"),
    "runs.advance": (runs, "advance"),
    "assets.keep": (assets, "keep"),
    "runs.complete": (runs, "complete"),
    "canvas.land": (canvas, "land"),
    "runs.take_over": (runs, "take_over"),
    "runs.requeue": (runs, "requeue"),
    "runs.hand_on": (runs, "hand_on"),
}


def _ask(question: str, **fields: str) -> Any:
    address = f"{os.environ['CRASH_PROVIDER']}/{question}"
    request = urllib.request.Request(address, json.dumps(fields).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def _crash(at: str) -> None:
    os.write(1, f"{ANNOUNCEMENT}{at}\n".encode())
    os.kill(os.getpid(), signal.SIGKILL)


def crash_at(at: str) -> None:
    """Let this process kill itself, see the module's words."""
    when, step, number = at.split()
    owner, name = STEPS[step]
    original: Callable[..., Any] = getattr(owner, name)
    calls = itertools.count(1)

    @functools.wraps(original)
    def wrapped(*args: Any, **options: Any) -> Any:
        if when == "before" and next(calls) == int(number):
            _crash(at)
        result = original(*args, **options)
        # A claim that found nothing is not a step.
        if when == "before" or result == [] or next(calls) != int(number):
            return result
        transaction = next((arg for arg in args if isinstance(arg, Transaction)), None)
        if when == "after" and transaction is not None:
            transaction.after_commit(lambda: _crash(at))
        else:
            _crash(at)
        return result

    setattr(owner, name, wrapped)


def claim_only_without(gate: Path) -> None:
    """Let this process claim nothing while the file ``gate`` exists."""
    original = runs.claim

    def wrapped(tx: Transaction, worker_id: str, count: int, **options: Any) -> list[runs.Run]:
        return [] if gate.exists() else original(tx, worker_id, count, **options)

    runs.claim = wrapped


def _run(order: dict[str, Any]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.environ.update(order["environment"])
    engines = [ScriptedEngine("paid", repeatable=False), ScriptedEngine("free", repeatable=True)]
    app.discover = lambda _configuration, *, processes: Engines(engines)
    if gate := os.environ.get("CRASH_GATE"):
        claim_only_without(Path(gate))
    if at := os.environ.get("CRASH_AT"):
        crash_at(at)
    {"serve": serve.app, "worker": worker.app}[order["command"]](order["words"])


def main() -> None:
    """Fork one process for every line."""
    # They are reaped by themselves, so that the tests see at once that one is gone.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    assert threading.active_count() == 1, "a fork would lose the others"
    started: list[int] = []
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            try:
                _run(order)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        started.append(pid)
        print(pid, flush=True)
    for pid in started:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


if __name__ == "__main__":
    main()
