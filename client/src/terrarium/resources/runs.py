"""Runs: estimating, starting, reading, cancelling and waiting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Unpack

from .._errors import APIError
from .._operation import (
    Exchange,
    ExtraOptions,
    Operation,
    RequestOptions,
    Steps,
    WriteOptions,
    fill_path,
    without_none,
)
from .._waiting import wait_for
from .._wire import Run, RunEstimate, RunStarted
from ..types import GenerationType
from ._resource import AsyncResource, Resource, raw, raw_async


def start(path: str, body: Mapping[str, object], options: WriteOptions) -> Operation[RunStarted]:
    """``POST /runs/generation``, ``POST /generate``."""

    def recover(run_id: str, exchange: Exchange) -> Steps[RunStarted]:
        run = yield from exchange(retrieve_run(run_id, {}))
        started = without_none(run_id=run.run_id, poll_url=run.poll_url, project_id=body.get("project_id"))
        # A run that has not ended does not contain its quote, but the same body has the same quote.
        try:
            quote = yield from exchange(estimate(body, {}))
        except APIError:
            started |= {"charged_cost": run.charged_cost or 0.0, "estimated_seconds": None}
        else:
            started |= quote.to_dict()
            if run.charged_cost is not None:
                started["charged_cost"] = run.charged_cost
        return RunStarted.model_validate({"type": "generation", **started})

    return Operation(
        method="POST",
        path=path,
        shape=RunStarted,
        body=body,
        writes=True,
        options=options,
        recover=recover,
    )


def estimate(body: Mapping[str, object], options: RequestOptions) -> Operation[RunEstimate]:
    """``POST /runs/estimate``: the body of a start; it is quoted and not started."""
    return Operation(
        method="POST",
        path="/runs/estimate",
        shape=RunEstimate,
        body=body,
        options=WriteOptions(**options),
    )


def retrieve_run(run_id: str, options: RequestOptions) -> Operation[Run]:
    """``GET /runs/{run_id}``."""
    path = fill_path("/runs/{}", run_id)
    return Operation(method="GET", path=path, shape=Run, options=WriteOptions(**options))


def cancel_run(run_id: str, options: RequestOptions) -> Operation[Run]:
    """``POST /runs/{run_id}/cancel``: cancelling twice has the same effect as once."""
    path = fill_path("/runs/{}/cancel", run_id)
    return Operation(method="POST", path=path, shape=Run, options=WriteOptions(**options))


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
        **options: Unpack[WriteOptions],
    ) -> RunStarted:
        """Start a generation in a project; the run executes on the server, see ``wait``.

        Unless given, ``model`` is the server's default for ``type``. ``charged_cost`` of the result is the
        quote in USD. An ``idempotency_key`` that was used within two hours raises ``ConflictError``, whose
        ``run_url`` leads to the run that used it. Too small a balance raises ``InsufficientCreditsError``.

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
        )
        return self._send(start("/runs/generation", body, options))

    def estimate(
        self,
        *,
        project_id: str,
        prompt: str,
        type: GenerationType,
        workspace_id: str,
        model: str | None = None,
        params: Mapping[str, object] | None = None,
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
        )
        return await self._send(start("/runs/generation", body, options))

    async def estimate(
        self,
        *,
        project_id: str,
        prompt: str,
        type: GenerationType,
        workspace_id: str,
        model: str | None = None,
        params: Mapping[str, object] | None = None,
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


class RunsWithRawResponse:
    """``client.runs.with_raw_response``. Waiting takes many requests, so it has no raw form."""

    def __init__(self, runs: Runs) -> None:
        self.start_generation = raw(runs.start_generation)
        self.estimate = raw(runs.estimate)
        self.retrieve = raw(runs.retrieve)
        self.cancel = raw(runs.cancel)


class AsyncRunsWithRawResponse:
    """``client.runs.with_raw_response`` of the asynchronous client."""

    def __init__(self, runs: AsyncRuns) -> None:
        self.start_generation = raw_async(runs.start_generation)
        self.estimate = raw_async(runs.estimate)
        self.retrieve = raw_async(runs.retrieve)
        self.cancel = raw_async(runs.cancel)
