"""Wrappers that add checks, rate limits and logging to any engine."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import replace
from typing import Any

from terrarium_server.engines import checks
from terrarium_server.engines._codes import CODES
from terrarium_server.engines._contract import (
    Engine,
    Failed,
    Finished,
    Followers,
    Job,
    Lost,
    Mark,
    News,
    Progress,
    Refused,
    Ticket,
    Unknown,
)

_log = logging.getLogger("terrarium_server.engines")


class _Wrapper:
    """Passes every call on to the wrapped engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.name = engine.name
        self.repeatable = engine.repeatable
        self.longest_silence = engine.longest_silence

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        return self.engine.problem(job_options)

    def followers(self, mark: Mark) -> Followers:
        return self.engine.followers(mark)

    async def prepare(self, job: Job) -> Mark:
        return await self.engine.prepare(job)

    async def submit(self, job: Job, mark: Mark) -> Ticket:
        return await self.engine.submit(job, mark)

    async def find(self, mark: Mark) -> Ticket | Unknown | None:
        return await self.engine.find(mark)

    def follow(self, ticket: Ticket) -> AsyncGenerator[News]:
        return self.engine.follow(ticket)

    async def cancel(self, ticket: Ticket) -> None:
        await self.engine.cancel(ticket)

    async def close(self) -> None:
        await self.engine.close()


class RateLimited(_Wrapper):
    """Submits at most ``per_second`` jobs a second.

    Jobs wait in `prepare`, before their mark is recorded, so that the call follows the mark at once.
    """

    def __init__(self, engine: Engine, per_second: float) -> None:
        super().__init__(engine)
        self._interval = 1.0 / per_second
        self._next = 0.0

    async def prepare(self, job: Job) -> Mark:
        """Wait until the rate allows another job, and prepare it. Raises Refused."""
        start = max(self._next, time.monotonic())
        self._next = start + self._interval
        await asyncio.sleep(start - time.monotonic())
        return await super().prepare(job)


class Logged(_Wrapper):
    """Logs submissions and results with their times; never a prompt, a parameter or a link."""

    async def submit(self, job: Job, mark: Mark) -> Ticket:
        """Submit, and log the duration or the refusal. Raises Refused."""
        began = time.monotonic()
        try:
            ticket = await super().submit(job, mark)
        except Refused as refused:
            _log.info("%s refused %s for %s: %s", self.name, job.key, job.model_id, refused.failure.code)
            raise
        _log.debug(
            "%s accepted %s for %s in %.3f s", self.name, job.key, job.model_id, time.monotonic() - began
        )
        return ticket

    async def follow(self, ticket: Ticket) -> AsyncGenerator[News]:
        """Follow, and log the result."""
        began = time.monotonic()
        async with aclosing(super().follow(ticket)) as news:
            async for update in news:
                if isinstance(update, Finished | Failed | Lost):
                    is_failure = isinstance(update, Failed)
                    outcome = f"failed with {update.code}" if is_failure else type(update).__name__
                    _log.debug("%s: followed for %.3f s: %s", self.name, time.monotonic() - began, outcome)
                yield update

    async def cancel(self, ticket: Ticket) -> None:
        """Cancel, and log it."""
        _log.info("%s: a job was cancelled", self.name)
        await super().cancel(ticket)


class Checked(_Wrapper):
    """Checks what an engine returns against its contract, except outputs.

    Outputs are checked where the type of the run is known, with `checks.fault_of`. An error code that is not
    one of `CODES` becomes GENERATION_GENERIC_ERROR, and progress is brought into its range.
    """

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """Return the engine's reason. Raises TypeError if it is neither a str nor None."""
        reason = super().problem(job_options)
        if reason is None or checks.is_text(reason):
            return reason
        raise TypeError(f"engine {self.name}: problem returned {reason!r}; a reason is a str, or None")

    async def prepare(self, job: Job) -> Mark:
        """Prepare a job. Raises Refused, and TypeError if the mark is not a str or is empty."""
        with self._contained(), self._known_codes():
            mark = await super().prepare(job)
        if not _is_filled(mark):
            raise TypeError(f"engine {self.name}: prepare returned {mark!r}; a mark is a str, and not empty")
        return mark

    async def submit(self, job: Job, mark: Mark) -> Ticket:
        """Submit a job. Raises Refused, and TypeError if the ticket is not a str or is empty."""
        with self._contained(), self._known_codes():
            ticket = await super().submit(job, mark)
        if not _is_filled(ticket):
            raise TypeError(
                f"engine {self.name}: submit returned {ticket!r}; a ticket is a str, and not empty"
            )
        return ticket

    async def find(self, mark: Mark) -> Ticket | Unknown | None:
        """Find a submission; an answer that is none of the three means `Unknown`."""
        with self._contained():
            answer = await super().find(mark)
        if answer is None or isinstance(answer, Unknown) or _is_filled(answer):
            return answer
        _log.error("engine %s: find returned %r; a ticket is a str, and not empty", self.name, answer)
        return Unknown()

    async def follow(self, ticket: Ticket) -> AsyncGenerator[News]:
        """Follow a job to its end, which is always one of `Finished`, `Failed` and `Lost`."""
        async with aclosing(super().follow(ticket)) as news:
            while True:
                with self._contained():
                    update = await anext(news, None)
                match update:
                    case None:
                        break
                    case Progress():
                        yield _in_range(update)
                    case Failed():
                        yield self._known(update)
                        return
                    case Finished() | Lost():
                        yield update
                        return
                    case _:
                        _log.error("engine %s: follow yielded %.200r, which is no news", self.name, update)
                        yield checks.UNUSABLE
                        return
        _log.error("engine %s: follow ended without a result", self.name)
        yield checks.UNUSABLE

    async def cancel(self, ticket: Ticket) -> None:
        """Cancel a job."""
        with self._contained():
            await super().cancel(ticket)

    async def close(self) -> None:
        """Close the engine."""
        with self._contained():
            await super().close()

    @contextmanager
    def _contained(self) -> Generator[None]:
        """Turn exceptions that would end the event loop or this task into errors of the engine."""
        try:
            yield
        except (SystemExit, KeyboardInterrupt) as error:
            raise RuntimeError(f"engine {self.name} raised {error!r}") from error
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise RuntimeError(f"engine {self.name} raised {error!r}, but nobody had cancelled it") from error

    @contextmanager
    def _known_codes(self) -> Generator[None]:
        try:
            yield
        except Refused as refused:
            failure = self._known(refused.failure)
            if failure is refused.failure:
                raise
            raise Refused(failure.code, failure.message, retry_after=failure.retry_after) from refused

    def _known(self, failed: Failed) -> Failed:
        """Return a failure with a code of `CODES`, and with a delay only if that is a number of seconds."""
        if not checks.is_text(failed.code) or failed.code not in CODES:
            _log.error(
                "engine %s: a job failed with the code %r, which is not one of CODES", self.name, failed.code
            )
            failed = replace(failed, code="GENERATION_GENERIC_ERROR")
        if not checks.is_message(failed.message):
            _log.error("engine %s: a job failed with the message %.200r", self.name, failed.message)
            failed = replace(failed, message=checks.NO_MESSAGE)
        if failed.retry_after is not None and not checks.is_delay(failed.retry_after):
            failed = replace(failed, retry_after=None)
        return failed


def _is_filled(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _in_range(progress: Progress) -> Progress:
    # In this order NaN becomes 0, because no comparison with it is true.
    fraction = min(1.0, max(0.0, progress.fraction))
    preview = progress.preview if checks.is_preview(progress.preview) else None
    return Progress(fraction, preview)
