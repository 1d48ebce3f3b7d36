"""Runs: estimating, starting, reading, cancelling, waiting, and their events."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from functools import cached_property
from typing import Unpack

from .._events import follow_events
from .._operation import ExtraOptions, RequestOptions, WriteOptions, without_none
from .._streams import stream, stream_async
from .._waiting import wait_for
from .._wire import BatchStarted, RunEstimate, RunStarted
from ..types import GenerationType, Run, StreamEvent
from ._resource import AsyncResource, Resource, raw, raw_async
from ._run_operations import cancel_run, estimate, rerun, retrieve_run, run_events, start, start_batch


class Runs(Resource):
    """``client.runs``."""

    @cached_property
    def with_raw_response(self) -> RunsWithRawResponse:
        """The same methods; they return ``APIResponse`` objects, with status and headers."""
        return RunsWithRawResponse(Runs(self._driver, raw=True))

    def start_generation(
        self,
        *,
        project_id: str,
        prompt: str,
        type: GenerationType,
        workspace_id: str,
        model: str | None = None,
        params: Mapping[str, object] | None = None,
        priority: int | None = None,
        **options: Unpack[WriteOptions],
    ) -> RunStarted:
        """Start a generation in a project; the run executes on the server, see ``wait``.

        Unless given, ``model`` is the server's default for ``type``. Of the runs of a workspace those with a
        higher ``priority`` (-10 to 10, an addition of Terrarium) start first. ``charged_cost`` of the result
        is the quote in USD. An ``idempotency_key`` that was used within two hours raises ``ConflictError``,
        whose ``run_url`` leads to the run that used it. Too small a balance raises
        ``InsufficientCreditsError``.

        If the response to an attempt is lost, the run of that attempt is found again. The result then has its
        ``run_id`` and the present quote (or a cost of 0, from a server that does not quote).
        """
        body = without_none(
            project_id=project_id,
            prompt=prompt,
            type=type,
            workspace_id=workspace_id,
            model=model,
            params=params,
            priority=priority,
        )
        return self._send(start("/runs/generation", body, options))

    def start_batch(
        self,
        *,
        project_id: str,
        workspace_id: str,
        starts: Sequence[Mapping[str, object]],
        max_parallel: int | None = None,
        priority: int | None = None,
        **options: Unpack[WriteOptions],
    ) -> BatchStarted:
        """Start up to 200 generations at once, all or none of them (an addition of Terrarium).

        Each start has a ``type``, a ``prompt``, and if wanted ``model`` and ``params``. At most
        ``max_parallel`` of them run at the same time. The result has one ``run_id`` for all, to read and to
        wait for, and that of each in ``runs``. The batch is completed if any of its runs is, unless it was
        cancelled; those that fail are not charged. Errors and lost responses are as in ``start_generation``.
        """
        body = without_none(
            project_id=project_id,
            workspace_id=workspace_id,
            starts=starts,
            max_parallel=max_parallel,
            priority=priority,
        )
        return self._send(start_batch(body, options))

    def rerun(
        self,
        run_id: str,
        *,
        prompt: str | None = None,
        model: str | None = None,
        params: Mapping[str, object] | None = None,
        priority: int | None = None,
        **options: Unpack[WriteOptions],
    ) -> RunStarted | BatchStarted:
        """Start a run again (an addition of Terrarium): exactly, with the same seed, or with changes.

        ``params`` are those to change; None removes one, and with ``{"seed": None}`` there is a new seed. Of
        a batch only the ``priority`` can be changed.
        """
        changes = without_none(prompt=prompt, model=model, params=params, priority=priority)
        return self._send(rerun(run_id, changes, options))

    def estimate(
        self,
        *,
        project_id: str,
        prompt: str,
        type: GenerationType,
        workspace_id: str,
        model: str | None = None,
        params: Mapping[str, object] | None = None,
        priority: int | None = None,
        **options: Unpack[RequestOptions],
    ) -> RunEstimate:
        """The cost (USD) and duration (seconds) of ``start_generation`` with the same arguments."""
        body = without_none(
            project_id=project_id,
            prompt=prompt,
            type=type,
            workspace_id=workspace_id,
            model=model,
            params=params,
            priority=priority,
        )
        return self._send(estimate(body, options))

    def retrieve(self, run_id: str, **options: Unpack[RequestOptions]) -> Run:
        """Read one run. Only ``status`` says whether it succeeded: a failed run also has progress 100."""
        return self._send(retrieve_run(run_id, options))

    def cancel(self, run_id: str, **options: Unpack[RequestOptions]) -> Run:
        """Cancel a run (an addition of Terrarium). Nothing is charged; its error is GENERATION_CANCELLED.

        A run that has already ended is returned unchanged.
        """
        return self._send(cancel_run(run_id, options))

    def wait(
        self,
        run_id: str,
        *,
        timeout: float | None = None,
        poll_interval: float | None = None,
        on_progress: Callable[[Run], object] | None = None,
        raise_on_failure: bool = True,
        **options: Unpack[ExtraOptions],
    ) -> Run:
        """Wait until a run has ended and return it.

        Uses long polls where the server supports them. Otherwise it polls every ``poll_interval`` seconds; by
        default after 1 s, then at intervals that grow to 5 s. ``on_progress`` is called with the run whenever
        it has changed. After ``timeout`` seconds (None: never) it raises ``WaitTimeout``; the run continues.
        A failed run raises ``RunFailedError`` unless ``raise_on_failure`` is false. A server that cannot be
        reached is retried for one minute.
        """
        driver = self._driver
        steps = wait_for(
            retrieve_run(run_id, RequestOptions(**options)),
            run_id,
            driver.config,
            driver.clock,
            timeout=timeout,
            poll_interval=poll_interval,
            on_progress=on_progress,
            raise_on_failure=raise_on_failure,
        )
        return driver.run(steps)

    def events(
        self, run_id: str, *, after: int | None = None, **options: Unpack[RequestOptions]
    ) -> Generator[StreamEvent]:
        """Iterate over what happens to a run, or to all runs of a batch, up to its end.

        This is an addition of Terrarium. It begins with the first event that the server still has, or with
        the one after the number ``after``.
        After a lost connection it continues with the event that comes next. A server that cannot be reached
        is retried for one minute. To stop early, close the generator; that closes the connection.
        """
        driver = self._driver
        operation = run_events(run_id, options)
        steps = follow_events(operation, driver.config, driver.clock, after=after, run_id=run_id)
        return stream(driver, steps)


class AsyncRuns(AsyncResource):
    """``client.runs`` of the asynchronous client."""

    @cached_property
    def with_raw_response(self) -> AsyncRunsWithRawResponse:
        """The same methods; they return ``APIResponse`` objects, with status and headers."""
        return AsyncRunsWithRawResponse(AsyncRuns(self._driver, raw=True))

    async def start_generation(
        self,
        *,
        project_id: str,
        prompt: str,
        type: GenerationType,
        workspace_id: str,
        model: str | None = None,
        params: Mapping[str, object] | None = None,
        priority: int | None = None,
        **options: Unpack[WriteOptions],
    ) -> RunStarted:
        """Start a generation in a project; see ``Runs.start_generation``."""
        body = without_none(
            project_id=project_id,
            prompt=prompt,
            type=type,
            workspace_id=workspace_id,
            model=model,
            params=params,
            priority=priority,
        )
        return await self._send(start("/runs/generation", body, options))

    async def start_batch(
        self,
        *,
        project_id: str,
        workspace_id: str,
        starts: Sequence[Mapping[str, object]],
        max_parallel: int | None = None,
        priority: int | None = None,
        **options: Unpack[WriteOptions],
    ) -> BatchStarted:
        """Start up to 200 generations at once; see ``Runs.start_batch``."""
        body = without_none(
            project_id=project_id,
            workspace_id=workspace_id,
            starts=starts,
            max_parallel=max_parallel,
            priority=priority,
        )
        return await self._send(start_batch(body, options))

    async def rerun(
        self,
        run_id: str,
        *,
        prompt: str | None = None,
        model: str | None = None,
        params: Mapping[str, object] | None = None,
        priority: int | None = None,
        **options: Unpack[WriteOptions],
    ) -> RunStarted | BatchStarted:
        """Start a run again; see ``Runs.rerun``."""
        changes = without_none(prompt=prompt, model=model, params=params, priority=priority)
        return await self._send(rerun(run_id, changes, options))

    async def estimate(
        self,
        *,
        project_id: str,
        prompt: str,
        type: GenerationType,
        workspace_id: str,
        model: str | None = None,
        params: Mapping[str, object] | None = None,
        priority: int | None = None,
        **options: Unpack[RequestOptions],
    ) -> RunEstimate:
        """The cost (USD) and duration (seconds) of ``start_generation`` with the same arguments."""
        body = without_none(
            project_id=project_id,
            prompt=prompt,
            type=type,
            workspace_id=workspace_id,
            model=model,
            params=params,
            priority=priority,
        )
        return await self._send(estimate(body, options))

    async def retrieve(self, run_id: str, **options: Unpack[RequestOptions]) -> Run:
        """Read one run. Only ``status`` says whether it succeeded: a failed run also has progress 100."""
        return await self._send(retrieve_run(run_id, options))

    async def cancel(self, run_id: str, **options: Unpack[RequestOptions]) -> Run:
        """Cancel a run; see ``Runs.cancel``."""
        return await self._send(cancel_run(run_id, options))

    async def wait(
        self,
        run_id: str,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 — as in the synchronous client
        poll_interval: float | None = None,
        on_progress: Callable[[Run], object] | None = None,
        raise_on_failure: bool = True,
        **options: Unpack[ExtraOptions],
    ) -> Run:
        """Wait until a run has ended and return it; see ``Runs.wait``. ``on_progress`` may be async."""
        driver = self._driver
        steps = wait_for(
            retrieve_run(run_id, RequestOptions(**options)),
            run_id,
            driver.config,
            driver.clock,
            timeout=timeout,
            poll_interval=poll_interval,
            on_progress=on_progress,
            raise_on_failure=raise_on_failure,
        )
        return await driver.run(steps)

    def events(
        self, run_id: str, *, after: int | None = None, **options: Unpack[RequestOptions]
    ) -> AsyncGenerator[StreamEvent]:
        """Iterate over what happens to a run; see ``Runs.events``. Close it with ``contextlib.aclosing``."""
        driver = self._driver
        operation = run_events(run_id, options)
        steps = follow_events(operation, driver.config, driver.clock, after=after, run_id=run_id)
        return stream_async(driver, steps)


class RunsWithRawResponse:
    """``client.runs.with_raw_response``. Waiting and events take many requests: no raw form."""

    def __init__(self, runs: Runs) -> None:
        self.start_generation = raw(runs.start_generation)
        self.start_batch = raw(runs.start_batch)
        self.rerun = raw(runs.rerun)
        self.estimate = raw(runs.estimate)
        self.retrieve = raw(runs.retrieve)
        self.cancel = raw(runs.cancel)


class AsyncRunsWithRawResponse:
    """``client.runs.with_raw_response`` of the asynchronous client."""

    def __init__(self, runs: AsyncRuns) -> None:
        self.start_generation = raw_async(runs.start_generation)
        self.start_batch = raw_async(runs.start_batch)
        self.rerun = raw_async(runs.rerun)
        self.estimate = raw_async(runs.estimate)
        self.retrieve = raw_async(runs.retrieve)
        self.cancel = raw_async(runs.cancel)
