"""Model processes: a model never lives inside the server, so that it cannot crash or slow it down.

A `ProcessPool` carries jobs to a few child processes that speak `_frames`. A child starts with its first
job and ends when it has been idle; one that dies or stops talking fails its job alone and is replaced.
"""

import os
import queue
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

from ._contract import Failed, Finished, Look, Lost, Output, Ticket, Waiting
from ._frames import Closed, read_frame, write_frame

_DIED = Failed(
    "GENERATION_GENERIC_ERROR",
    "The model's process ended unexpectedly and will be started again; try once more.",
)


@dataclass(slots=True)
class _Task:
    ticket: Ticket
    request: dict[str, Any]
    progress: float = 0.0
    preview: Output | None = None
    child: "_Child | None" = None
    result: Finished | Failed | None = None
    cancelled: bool = False
    news: threading.Condition = field(default_factory=threading.Condition)

    def advance(self, progress: float, preview: Output | None) -> None:
        with self.news:
            self.progress = progress
            self.preview = preview or self.preview
            self.news.notify_all()

    def finish(self, result: Finished | Failed) -> None:
        with self.news:
            self.result = result
            self.news.notify_all()


class ProcessPool:
    """Runs requests on at most ``processes`` children started as ``python -m module``.

    ``patience`` is how many seconds a child may be silent during a job before it is killed;
    ``idle_seconds`` how long it is kept without one; ``threads`` how many cores its libraries may use. A
    cancelled job's child is killed, unless it ends the job itself within ``cancel_grace`` seconds: worth
    waiting for where starting again means loading weights.
    """

    def __init__(
        self,
        module: str,
        *,
        processes: int,
        patience: float = 60.0,
        idle_seconds: float = 60.0,
        threads: int = 1,
        cancel_grace: float = 0.0,
    ) -> None:
        """Start nothing yet: threads and children come with the first job."""
        self._module = module
        self._threads = threads
        self._cancel_grace = cancel_grace
        self._processes = processes
        self._patience = patience
        self._idle_seconds = idle_seconds
        self._tasks: dict[Ticket, _Task] = {}
        self._waiting: queue.Queue[_Task | None] = queue.Queue()
        self._lock = threading.Lock()
        self._carriers: list[threading.Thread] = []
        self._children: list[_Child] = []
        self._idle_carriers = 0
        self._closed = False

    def submit(self, ticket: Ticket, request: dict[str, Any]) -> Ticket:
        """Queue a request; a ticket that is known already is not done twice."""
        with self._lock:
            if ticket in self._tasks:
                return ticket
            task = _Task(ticket, request)
            self._tasks[ticket] = task
            self._waiting.put(task)
            if self._idle_carriers < self._waiting.qsize() and len(self._carriers) < self._processes:
                carrier = threading.Thread(target=self._carry, name=f"{self._module}-carrier", daemon=True)
                self._carriers.append(carrier)
                carrier.start()
        return ticket

    def look(self, ticket: Ticket, *, wait_seconds: float) -> Look:
        """Say how a request stands; a result is handed out once."""
        with self._lock:
            task = self._tasks.get(ticket)
        if task is None:
            return Lost()
        with task.news:
            before = task.progress
            task.news.wait_for(
                lambda: task.result is not None or task.progress != before, timeout=wait_seconds
            )
            result, progress, preview = task.result, task.progress, task.preview
        if result is None:
            return Waiting(progress, preview)
        with self._lock:
            self._tasks.pop(ticket, None)
        return result

    def cancel(self, ticket: Ticket) -> None:
        """Forget a request; if it is being worked on, its child stops."""
        with self._lock:
            task = self._tasks.pop(ticket, None)
            if task is None:
                return
            task.cancelled = True
            child = task.child
        if child is not None:
            child.cancel(task, self._cancel_grace)

    def close(self) -> None:
        """End every child. What was under way stays without a result: a restart does it again."""
        with self._lock:
            self._closed = True
            children = list(self._children)
            carriers = list(self._carriers)
        for child in children:
            child.kill()
        for _ in carriers:
            self._waiting.put(None)
        for carrier in carriers:
            carrier.join(timeout=5)

    def _carry(self) -> None:
        child: _Child | None = None
        while not self._closed:
            task = self._next(None if child is None else self._idle_seconds)
            if task is None:
                child = self._end(child)
            elif not task.cancelled:
                child = child or self._start()
                with self._lock:
                    task.child = child
                result = child.work(task, self._patience)
                with self._lock:
                    task.child = None
                if result is None:
                    child = self._end(child)
                if not self._closed:
                    task.finish(result or _DIED)
        self._end(child)

    def _next(self, patience: float | None) -> _Task | None:
        """Wait for a task; None if none came in time."""
        with self._lock:
            self._idle_carriers += 1
        try:
            return self._waiting.get(timeout=patience)
        except queue.Empty:
            return None
        finally:
            with self._lock:
                self._idle_carriers -= 1

    def _start(self) -> "_Child":
        child = _Child(self._module, self._threads)
        with self._lock:
            self._children.append(child)
            closed = self._closed
        if closed:
            child.kill()
        return child

    def _end(self, child: "_Child | None") -> None:
        if child is not None:
            child.end()
            with self._lock:
                self._children.remove(child)


class _Child:
    def __init__(self, module: str, threads: int) -> None:
        # Few: the processes are the parallelism, and a child must not take every core.
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TERRARIUM_CHILD_THREADS")
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **dict.fromkeys(names, str(threads))},
        )
        self._to = cast(BinaryIO, self._process.stdin)
        self._from = cast(BinaryIO, self._process.stdout)
        self._writing = threading.Lock()

    def work(self, task: _Task, patience: float) -> Finished | Failed | None:
        """Return the result, or None if the child died or fell silent."""
        watchdog = _Watchdog(patience, self._process.kill)
        try:
            self._write({**task.request, "ticket": task.ticket})
            while True:
                header, body = read_frame(self._from)
                watchdog.reset()
                match header:
                    case {"progress": fraction, **rest}:
                        previews = _outputs(rest.get("preview", []), body)
                        task.advance(float(fraction), previews[0] if previews else None)
                    case {"outputs": [*described]}:
                        return Finished(_outputs(described, body))
                    case {"error": str(message), **rest}:
                        return Failed(str(rest.get("code", "GENERATION_GENERIC_ERROR")), message)
                    case _:
                        return None
        except Closed:
            return None
        finally:
            watchdog.stop()

    def cancel(self, task: _Task, grace: float) -> None:
        """Ask the child to end this task, and kill it if it has not ``grace`` seconds later."""
        if grace > 0:
            with suppress(Closed):
                self._write({"cancel": task.ticket})

        def end() -> None:
            if task.child is self:
                self.kill()

        timer = threading.Timer(grace, end)
        timer.daemon = True
        timer.start()

    def _write(self, header: dict[str, Any]) -> None:
        with self._writing:
            write_frame(self._to, header)

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        # What it was not sent any more is lost with it.
        with suppress(OSError):
            self._to.close()
        self._from.close()


class _Watchdog:
    """Calls ``bite`` unless reset within ``patience`` seconds, from one timer thread per job."""

    def __init__(self, patience: float, bite: Any) -> None:
        self._patience = patience
        self._bite = bite
        self._heard = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def reset(self) -> None:
        self._heard.set()

    def stop(self) -> None:
        self._stopped = True
        self._heard.set()

    def _watch(self) -> None:
        while not self._stopped:
            if not self._heard.wait(self._patience):
                self._bite()
                return
            self._heard.clear()


def _outputs(described: list[dict[str, Any]], body: bytes) -> tuple[Output, ...]:
    outputs: list[Output] = []
    start = 0
    for item in described:
        data = body[start : start + item["size"]]
        start += item["size"]
        is_text = item["content_type"].startswith("text/")
        outputs.append(
            Output(
                content_type=item["content_type"],
                data=data.decode() if is_text else data,
                width=item.get("width"),
                height=item.get("height"),
            )
        )
    return tuple(outputs)
