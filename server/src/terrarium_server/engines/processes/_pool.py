"""Model processes: a model never lives inside the server, so that it cannot crash or slow it down.

A `ProcessPool` carries jobs to a few child processes. A child starts with its first job and ends when it has
been idle; one that dies or stops talking is replaced, and its job is tried again. What it makes comes as
files.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ._contract import Failed, Finished, Lost, News, Output, Progress, Refused, Ticket
from ._limits import Limits
from ._scratch import discard, give_away, make_folder, remove_folder
from ._subprocess import Gone, Subprocess

_log = logging.getLogger("terrarium_server.engines")

# How often a job is tried, each time by another process.
_ATTEMPTS = 3
# How long it is waited after the first and the second start that failed, in seconds: descriptors or memory
# may be there again then.
_PAUSES = (0.5, 2.0)
# For a job that nobody follows any more.
_UNWANTED = Failed("GENERATION_CANCELLED", "Cancelled.")
# How long `follow` keeps silent at most.
_HEARTBEAT = 5.0
# How long closing waits for processes that do not die at once, as one that waits for a device may not.
_CLOSING = 5.0


@dataclass(slots=True, eq=False)
class _Task:
    ticket: Ticket
    request: dict[str, Any]
    fraction: float = 0.0
    preview: Output | None = None
    attempts: int = 0
    process: Subprocess | None = None
    result: Finished | Failed | None = None
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def advance(self, fraction: float, preview: Output | None) -> None:
        self.fraction = fraction
        self.preview = preview or self.preview
        self.tell()

    def begin_again(self) -> None:
        self.fraction, self.preview = 0.0, None
        self.tell()

    def finish(self, result: Finished | Failed) -> None:
        self.result = result
        self.tell()

    def tell(self) -> None:
        """Wake whoever waits for news; the next one waits for other news."""
        self.news.set()
        self.news = asyncio.Event()


class ProcessPool:
    """Runs requests on at most ``processes`` children started as ``python -m module``.

    ``scratch`` is the folder below which they leave what they make, and ``limits`` is what they may use.
    ``patience`` is how many seconds a child may be silent during a job before it is killed;
    ``idle_seconds`` how long it is kept without one; ``threads`` how many cores its libraries may use. A
    cancelled job's child is killed, unless it ends the job itself within ``cancel_grace`` seconds: worth
    waiting for where starting again means loading weights.

    A job whose child cannot be started, dies or hangs is tried again with another, twice at most.

    It belongs to the loop on which the first job is submitted.
    """

    def __init__(
        self,
        module: str,
        *,
        processes: int,
        scratch: Path,
        limits: Limits,
        patience: float = 60.0,
        idle_seconds: float = 60.0,
        threads: int = 1,
        cancel_grace: float = 0.0,
    ) -> None:
        """Start nothing yet: children come with the first job."""
        self._module = module
        self._processes = processes
        self._scratch = scratch.absolute()
        self._limits = limits
        self._patience = patience
        self._idle_seconds = idle_seconds
        self._threads = threads
        self._cancel_grace = cancel_grace
        # What was submitted and neither handed out nor cancelled; those of them that no child has yet are
        # waiting. None tells a carrier to go.
        self._tasks: dict[Ticket, _Task] = {}
        self._waiting: asyncio.Queue[_Task | None] = asyncio.Queue()
        # One for each child.
        self._carriers: set[asyncio.Task[None]] = set()
        self._idle_carriers = 0
        self._children: set[Subprocess] = set()
        self._closed = False

    def knows(self, ticket: Ticket) -> bool:
        """Say whether a request was submitted and is neither handed out nor cancelled."""
        return ticket in self._tasks

    def submit(self, ticket: Ticket, request: dict[str, Any]) -> Ticket:
        """Queue a request; a ticket that is known already is not done twice. Raises Refused once closed."""
        if self._closed:
            raise Refused("SERVER_ERROR", "The server is stopping; try once more.")
        if ticket not in self._tasks:
            task = self._tasks[ticket] = _Task(ticket, request)
            self._waiting.put_nowait(task)
            self._add_carrier()
        return ticket

    async def follow(self, ticket: Ticket) -> AsyncGenerator[News]:
        """Tell how a request goes, every five seconds at least, then its end, which is handed out once."""
        task = self._tasks.get(ticket)
        while task is not None and self._tasks.get(ticket) is task:
            news = task.news
            if task.result is not None:
                del self._tasks[ticket]
                yield task.result
                return
            yield Progress(task.fraction, task.preview)
            with suppress(TimeoutError):
                async with asyncio.timeout(_HEARTBEAT):
                    await news.wait()
        yield Lost()

    async def cancel(self, ticket: Ticket) -> None:
        """Forget a request; if it is being worked on, its child stops."""
        task = self._tasks.pop(ticket, None)
        if task is None:
            return
        task.tell()
        if task.process is not None:
            task.process.stop(self._cancel_grace)
        if isinstance(task.result, Finished):
            await asyncio.to_thread(discard, task.result.outputs)

    async def close(self) -> None:
        """End every child. What was under way is lost: a restart does it again."""
        self._closed = True
        left = list(self._tasks.values())
        self._tasks.clear()
        for task in left:
            task.tell()
        for child in self._children:
            child.kill()
        for _ in self._carriers:
            self._waiting.put_nowait(None)
        if self._carriers:
            await asyncio.wait(self._carriers, timeout=_CLOSING)
        for task in left:
            if isinstance(task.result, Finished):
                await asyncio.to_thread(discard, task.result.outputs)

    def _is_wanted(self, task: _Task) -> bool:
        return self._tasks.get(task.ticket) is task

    def _add_carrier(self) -> None:
        """Start one more carrier if there is more to do than those that are idle can take."""
        if self._idle_carriers < self._waiting.qsize() and len(self._carriers) < self._processes:
            carrier = asyncio.get_running_loop().create_task(self._carry(), name=f"{self._module} carrier")
            self._carriers.add(carrier)
            carrier.add_done_callback(self._remove_carrier)

    def _remove_carrier(self, carrier: "asyncio.Task[None]") -> None:
        self._carriers.discard(carrier)
        if not carrier.cancelled() and (error := carrier.exception()) is not None:
            _log.error("a carrier of %s failed", self._module, exc_info=error)
        # Something may have come while its child was ending.
        if not self._closed:
            self._add_carrier()

    async def _carry(self) -> None:
        """Try one task after the other with one child, until there has been none for a while."""
        child: Subprocess | None = None
        try:
            while (task := await self._next(self._idle_seconds if child else 0.0)) is not None:
                if child is not None and child.is_gone:
                    _log.warning("%s ended while it was idle", self._module)
                    child = await self._end(child)
                if self._is_wanted(task):
                    child = child or await self._start(task)
                    if child is not None and not await self._work(task, child):
                        child = await self._end(child)
        finally:
            if child is not None:
                await self._end(child)

    async def _next(self, patience: float) -> _Task | None:
        """Wait for a task; None if none came in ``patience`` seconds."""
        self._idle_carriers += 1
        try:
            async with asyncio.timeout(patience):
                return await self._waiting.get()
        except TimeoutError:
            return None
        finally:
            self._idle_carriers -= 1

    async def _start(self, task: _Task) -> Subprocess | None:
        """Start a child for a task; None if that fails, and the task is tried again later."""
        try:
            child = await Subprocess.start(self._module, threads=self._threads, limits=self._limits)
        except (OSError, RuntimeError) as error:
            _log.warning("%s could not be started: %s", self._module, error)
            if task.attempts < len(_PAUSES):
                await asyncio.sleep(_PAUSES[task.attempts])
            failed = _failure("GENERATION_FAILED_TO_START", "model's process cannot start", error)
            self._try_again(task, failed)
            return None
        self._children.add(child)
        return child

    async def _end(self, child: Subprocess) -> None:
        await child.end()
        self._children.discard(child)

    def _lose(self, task: _Task, gone: Gone) -> None:
        """Note that a task's child is gone, if that was not to be."""
        if not self._is_wanted(task):
            return
        _log.warning("%s, at %s: the process %s", self._module, task.ticket, gone.why)
        if gone.failed is not None:
            task.finish(gone.failed)
        else:
            self._try_again(task, _lost(gone))

    def _try_again(self, task: _Task, failed: Failed) -> None:
        """Queue a task behind those that wait, unless it was tried often enough: then it has failed."""
        task.attempts += 1
        if self._closed or not self._is_wanted(task):
            return
        if task.attempts < _ATTEMPTS:
            task.begin_again()
            # Whoever calls this asks for the next task at once.
            self._waiting.put_nowait(task)
        else:
            task.finish(failed)

    async def _work(self, task: _Task, child: Subprocess) -> bool:
        """Have a task done, and say whether the child can do another."""
        result: Finished | Failed | Gone = Gone("could not be followed")
        try:
            result = await self._result(task, child)
        finally:
            task.process = None
            if isinstance(result, Gone):
                self._lose(task, result)
            elif self._is_wanted(task):
                task.finish(result)
            elif isinstance(result, Finished):
                await asyncio.to_thread(discard, result.outputs)
        return not child.is_gone

    async def _result(self, task: _Task, child: Subprocess) -> Finished | Failed | Gone:
        """Have a task done in a folder of its own, which is gone afterwards."""
        try:
            folder = await asyncio.to_thread(make_folder, self._scratch)
        except OSError as error:
            _log.warning("%s: no folder for outputs: %s", self._module, error)
            return _failure("SERVER_ERROR", "server cannot store outputs", error)
        try:
            # It may have been cancelled since it was taken.
            if not self._is_wanted(task):
                return _UNWANTED
            task.process = child
            result = await child.work(
                task.ticket, task.request, folder, task.advance, patience=self._patience
            )
            task.process = None
            if isinstance(result, Finished) and self._is_wanted(task):
                result = Finished(await asyncio.to_thread(give_away, folder, result.outputs))
            return result
        except OSError as error:
            _log.warning("%s: outputs cannot be moved: %s", self._module, error)
            return _failure("SERVER_ERROR", "server cannot store outputs", error)
        finally:
            await asyncio.to_thread(remove_folder, folder)


def _lost(gone: Gone) -> Failed:
    message = (
        f"The model's process {gone.why} at the last of {_ATTEMPTS} attempts; try once more, ask for"
        " something smaller, or tell the owner of this server."
    )
    return Failed("GENERATION_GENERIC_ERROR", message)


def _failure(code: str, what: str, error: OSError | RuntimeError) -> Failed:
    cause = (error.strerror if isinstance(error, OSError) else None) or error
    return Failed(code, f"The {what} ({cause}); try once more, or tell the owner of this server.")
