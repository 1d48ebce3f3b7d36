"""Runs models in child processes, so that a model can neither crash nor slow down the server.

A `ProcessPool` has a few slots. Each slot runs one child process, which starts with its first job and ends
after it was idle for a while. If a child dies or hangs, the slot starts another, and the job is tried again.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from terrarium_server.engines import Failed, Finished, Lost, News, Output, Progress, Refused, Ticket, discard
from terrarium_server.engines.child.limits import Limits

from ._folders import make_folder, move_outputs, remove_folder
from ._subprocess import ChildLost, Subprocess

_log = logging.getLogger("terrarium_server.engines")

# How often a job is tried, each time by another process.
_ATTEMPTS = 3
# Seconds to wait after the first and the second start that failed: by then descriptors or memory may be free.
_START_PAUSES = (0.5, 2.0)
_CANCELLED = Failed("GENERATION_CANCELLED", "Cancelled.")
# How often `follow` yields at least, in seconds.
_HEARTBEAT = 5.0
# How long closing waits for processes, in seconds: one that waits for a device may not die at once.
_CLOSING = 5.0


@dataclass(slots=True, eq=False)
class _PoolJob:
    """A submitted request and its state."""

    ticket: Ticket
    request: dict[str, Any]
    fraction: float = 0.0
    preview: Output | None = None
    attempts: int = 0
    child: Subprocess | None = None
    result: Finished | Failed | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def advance(self, fraction: float, preview: Output | None) -> None:
        self.fraction = fraction
        self.preview = preview or self.preview
        self.notify()

    def restart(self) -> None:
        self.fraction, self.preview = 0.0, None
        self.notify()

    def finish(self, result: Finished | Failed) -> None:
        self.result = result
        self.notify()

    def notify(self) -> None:
        """Wake all followers; the new event is for the next change."""
        self.changed.set()
        self.changed = asyncio.Event()


class ProcessPool:
    """Runs requests in at most ``processes`` children, which run ``module``.

    ``scratch`` is the folder for their outputs, and ``limits`` are their resource limits. A child that
    reports nothing for ``patience`` seconds during a job is killed. An idle child ends after
    ``idle_seconds``. ``threads`` is the number of threads for its libraries. After cancelling, a child may
    take ``cancel_grace`` seconds to end the job itself, and is killed otherwise: allow time where a new
    process would have to load weights.

    A job is tried three times, each time in another child, if its child cannot be started, dies or hangs.

    A pool belongs to the event loop on which its first job is submitted.
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
        """Start nothing yet: children start with jobs."""
        self._module = module
        self._processes = processes
        self._scratch = scratch.absolute()
        self._limits = limits
        self._patience = patience
        self._idle_seconds = idle_seconds
        self._threads = threads
        self._cancel_grace = cancel_grace
        # All jobs that were submitted and whose result was neither returned nor cancelled.
        self._jobs: dict[Ticket, _PoolJob] = {}
        # Those of them that no slot has taken yet. None ends a slot.
        self._queue: asyncio.Queue[_PoolJob | None] = asyncio.Queue()
        self._slots: set[asyncio.Task[None]] = set()
        self._idle_slots = 0
        self._children: set[Subprocess] = set()
        self._closed = False

    def __contains__(self, ticket: Ticket) -> bool:
        """Return whether a request was submitted and its result was neither returned nor cancelled."""
        return ticket in self._jobs

    def submit(self, ticket: Ticket, request: dict[str, Any]) -> Ticket:
        """Queue a request, once for each ticket. Raises Refused once the pool is closed."""
        if self._closed:
            raise Refused("SERVER_ERROR", "The server is stopping; try once more.")
        if ticket not in self._jobs:
            job = self._jobs[ticket] = _PoolJob(ticket, request)
            self._queue.put_nowait(job)
            self._start_slot()
        return ticket

    async def follow(self, ticket: Ticket) -> AsyncGenerator[News]:
        """Yield the progress of a request, every five seconds at least, then its result.

        The result is returned once; afterwards the ticket is lost.
        """
        job = self._jobs.get(ticket)
        while job is not None and self._is_active(job):
            changed = job.changed
            if job.result is not None:
                del self._jobs[ticket]
                yield job.result
                return
            yield Progress(job.fraction, job.preview)
            with suppress(TimeoutError):
                async with asyncio.timeout(_HEARTBEAT):
                    await changed.wait()
        yield Lost()

    async def cancel(self, ticket: Ticket) -> None:
        """Forget a request; if a child runs it, the child stops."""
        job = self._jobs.pop(ticket, None)
        if job is None:
            return
        job.notify()
        if job.child is not None:
            job.child.stop(self._cancel_grace)
        if isinstance(job.result, Finished):
            await asyncio.to_thread(discard, job.result.outputs)

    async def close(self) -> None:
        """End all children. Unfinished jobs are lost, and are submitted again after a restart."""
        self._closed = True
        jobs = list(self._jobs.values())
        self._jobs.clear()
        for job in jobs:
            job.notify()
        for child in self._children:
            child.kill()
        for _ in self._slots:
            self._queue.put_nowait(None)
        if self._slots:
            await asyncio.wait(self._slots, timeout=_CLOSING)
        for job in jobs:
            if isinstance(job.result, Finished):
                await asyncio.to_thread(discard, job.result.outputs)

    def _is_active(self, job: _PoolJob) -> bool:
        """Return whether a job was neither cancelled nor submitted anew."""
        return self._jobs.get(job.ticket) is job

    def _start_slot(self) -> None:
        """Start one more slot if more jobs are queued than there are idle slots."""
        if self._idle_slots < self._queue.qsize() and len(self._slots) < self._processes:
            slot = asyncio.get_running_loop().create_task(self._run_slot(), name=f"{self._module} slot")
            self._slots.add(slot)
            slot.add_done_callback(self._slot_ended)

    def _slot_ended(self, slot: "asyncio.Task[None]") -> None:
        self._slots.discard(slot)
        if not slot.cancelled() and (error := slot.exception()) is not None:
            _log.error("a slot of %s failed", self._module, exc_info=error)
        # A job may have been queued while the slot's child was ending.
        if not self._closed:
            self._start_slot()

    async def _run_slot(self) -> None:
        """Run queued jobs in one child, until there was none for a while."""
        child: Subprocess | None = None
        try:
            while (job := await self._next_job(self._idle_seconds if child else 0.0)) is not None:
                if child is not None and child.has_ended:
                    _log.warning("%s ended while it was idle", self._module)
                    child = await self._end(child)
                if self._is_active(job):
                    child = child or await self._start_child(job)
                    if child is not None and not await self._run_job(job, child):
                        child = await self._end(child)
        finally:
            if child is not None:
                await self._end(child)

    async def _next_job(self, seconds: float) -> _PoolJob | None:
        """Wait for a job; None if none comes within ``seconds``, or if the slot must end."""
        self._idle_slots += 1
        try:
            async with asyncio.timeout(seconds):
                return await self._queue.get()
        except TimeoutError:
            return None
        finally:
            self._idle_slots -= 1

    async def _start_child(self, job: _PoolJob) -> Subprocess | None:
        """Start a child for a job; None if that fails, and the job is tried again later."""
        try:
            child = await Subprocess.start(self._module, threads=self._threads, limits=self._limits)
        except (OSError, RuntimeError) as error:
            _log.warning("%s could not be started: %s", self._module, error)
            if job.attempts < len(_START_PAUSES):
                await asyncio.sleep(_START_PAUSES[job.attempts])
            failed = _failure("GENERATION_FAILED_TO_START", "model's process cannot start", error)
            self._retry(job, failed)
            return None
        self._children.add(child)
        return child

    async def _end(self, child: Subprocess) -> None:
        await child.end()
        self._children.discard(child)

    def _child_lost(self, job: _PoolJob, lost: ChildLost) -> None:
        """Retry or fail a job whose child was lost, unless the job was cancelled."""
        if not self._is_active(job):
            return
        _log.warning("%s, at %s: the process %s", self._module, job.ticket, lost.why)
        if lost.failed is not None:
            job.finish(lost.failed)
        else:
            self._retry(job, _lost(lost))

    def _retry(self, job: _PoolJob, failed: Failed) -> None:
        """Queue a job again, behind all others; after the last attempt it has failed."""
        job.attempts += 1
        if self._closed or not self._is_active(job):
            return
        if job.attempts < _ATTEMPTS:
            job.restart()
            # No slot needs to be started: this one takes its next job right after.
            self._queue.put_nowait(job)
        else:
            job.finish(failed)

    async def _run_job(self, job: _PoolJob, child: Subprocess) -> bool:
        """Run a job in a child, and return whether the child can run another."""
        result: Finished | Failed | ChildLost = ChildLost("could not be followed")
        try:
            result = await self._run_in_folder(job, child)
        finally:
            job.child = None
            if isinstance(result, ChildLost):
                self._child_lost(job, result)
            elif self._is_active(job):
                job.finish(result)
            elif isinstance(result, Finished):
                await asyncio.to_thread(discard, result.outputs)
        return not child.has_ended

    async def _run_in_folder(self, job: _PoolJob, child: Subprocess) -> Finished | Failed | ChildLost:
        """Run a job in a folder of its own, which is deleted afterwards."""
        try:
            folder = await asyncio.to_thread(make_folder, self._scratch)
        except OSError as error:
            _log.warning("%s: no folder for outputs: %s", self._module, error)
            return _failure("SERVER_ERROR", "server cannot store outputs", error)
        try:
            # The job may have been cancelled while the folder was made.
            if not self._is_active(job):
                return _CANCELLED
            job.child = child
            result = await child.run(job.ticket, job.request, folder, job.advance, patience=self._patience)
            job.child = None
            if isinstance(result, Finished) and self._is_active(job):
                result = Finished(await asyncio.to_thread(move_outputs, folder, result.outputs))
            return result
        except OSError as error:
            _log.warning("%s: outputs cannot be moved: %s", self._module, error)
            return _failure("SERVER_ERROR", "server cannot store outputs", error)
        finally:
            await asyncio.to_thread(remove_folder, folder)


def _lost(lost: ChildLost) -> Failed:
    message = (
        f"The model's process {lost.why} at the last of {_ATTEMPTS} attempts; try once more, ask for"
        " something smaller, or tell the owner of this server."
    )
    return Failed("GENERATION_GENERIC_ERROR", message)


def _failure(code: str, what: str, error: OSError | RuntimeError) -> Failed:
    cause = (error.strerror if isinstance(error, OSError) else None) or error
    return Failed(code, f"The {what} ({cause}); try once more, or tell the owner of this server.")
