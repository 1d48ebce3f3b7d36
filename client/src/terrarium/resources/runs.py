"""Runs: what they would cost, starting them, reading them, waiting for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Unpack

from .._errors import APIError
from .._operation import Exchange, ExtraOptions, Operation, RequestOptions, Steps, WriteOptions, at, given
from .._waiting import wait_for
from .._wire import Run, RunEstimate, RunStarted
from ..types import GenerationType
from ._resource import AsyncResource, Resource, raw, raw_async


def start(path: str, body: Mapping[str, object], options: WriteOptions) -> Operation[RunStarted]:
    """``POST /runs/generation``, ``POST /generate``."""

    def regain(run_id: str, exchange: Exchange) -> Steps[RunStarted]:
        run = yield from exchange(retrieve_run(run_id, {}))
        started = given(run_id=run.run_id, poll_url=run.poll_url, project_id=body.get("project_id"))
        # The quote is not part of a run that is still under way, but the same start is quoted the same.
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
        regain=regain,
    )


def estimate(body: Mapping[str, object], options: RequestOptions) -> Operation[RunEstimate]:
    """``POST /runs/estimate``: the body of a start, which it only quotes."""
    return Operation(
        method="POST",
        path="/runs/estimate",
        shape=RunEstimate,
        body=body,
        options=WriteOptions(**options),
    )


def retrieve_run(run_id: str, options: RequestOptions) -> Operation[Run]:
    """``GET /runs/{run_id}``."""
    path = at("/runs/{}", run_id)
    return Operation(method="GET", path=path, shape=Run, options=WriteOptions(**options))


def cancel_run(run_id: str, options: RequestOptions) -> Operation[Run]:
    """``POST /runs/{run_id}/cancel``: doing it twice is doing it once."""
    path = at("/runs/{}/cancel", run_id)
    return Operation(method="POST", path=path, shape=Run, options=WriteOptions(**options))


class Runs(Resource):
    """``client.runs``."""

    @cached_property
    def with_raw_response(self) -> RunsWithRawResponse:
        """The same methods, giving headers and status along with the answer."""
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
        """Start a generation in a project; the run goes on by itself, see ``wait``.

        ``model`` is the server's choice for ``type`` unless given. The answer's ``charged_cost`` is the quote
        in USD. An ``idempotency_key`` that was used within two hours raises ``ConflictError``, whose
        ``run_url`` leads to the run that has it; too small a balance raises ``InsufficientCreditsError``.

        An attempt whose answer was lost is found again: the answer then tells its ``run_id``, and the present
        quote (or, from a server that gives none, a cost of 0).
        """
        body = given(
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
        """What ``start_generation`` with the same arguments would cost (USD) and take (seconds)."""
        body = given(
            project_id=project_id,
            prompt=prompt,
            type=type,
            workspace_id=workspace_id,
            model=model,
            params=params,
        )
        return self._send(estimate(body, options))

    def retrieve(self, run_id: str, **options: Unpack[RequestOptions]) -> Run:
        """Read one run. Only ``status`` tells whether it succeeded: a failed run has progress 100 too."""
        return self._send(retrieve_run(run_id, options))

    def cancel(self, run_id: str, **options: Unpack[RequestOptions]) -> Run:
        """Cancel a run (a Terrarium's addition): nothing is charged, ``error_code`` is GENERATION_CANCELLED.

        A run that is over already is given as it is.
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
        """Wait until a run is over and give it.

        Long polls where the server holds them; else looks after 1 s, then ever more seldom down to every 5 s,
        or every ``poll_interval`` seconds. ``on_progress`` is called with the run whenever it has changed.
        After ``timeout`` seconds (None: never) raises ``WaitTimeout``; the run goes on. A failed run raises
        ``RunFailedError`` unless ``raise_on_failure`` is false. A server that is away is waited for during
        one minute.
        """
        driver = self._driver
        steps = wait_for(
            retrieve_run(run_id, RequestOptions(**options)),
            run_id,
            driver.config,
            driver.pace,
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
        """The same methods, giving headers and status along with the answer."""
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
        body = given(
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
        """What ``start_generation`` with the same arguments would cost (USD) and take (seconds)."""
        body = given(
            project_id=project_id,
            prompt=prompt,
            type=type,
            workspace_id=workspace_id,
            model=model,
            params=params,
        )
        return await self._send(estimate(body, options))

    async def retrieve(self, run_id: str, **options: Unpack[RequestOptions]) -> Run:
        """Read one run. Only ``status`` tells whether it succeeded: a failed run has progress 100 too."""
        return await self._send(retrieve_run(run_id, options))

    async def cancel(self, run_id: str, **options: Unpack[RequestOptions]) -> Run:
        """Cancel a run; see ``Runs.cancel``."""
        return await self._send(cancel_run(run_id, options))

    async def wait(
        self,
        run_id: str,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 — as in the blocking client
        poll_interval: float | None = None,
        on_progress: Callable[[Run], object] | None = None,
        raise_on_failure: bool = True,
        **options: Unpack[ExtraOptions],
    ) -> Run:
        """Wait until a run is over and give it; see ``Runs.wait``. ``on_progress`` may be a coroutine."""
        driver = self._driver
        steps = wait_for(
            retrieve_run(run_id, RequestOptions(**options)),
            run_id,
            driver.config,
            driver.pace,
            timeout=timeout,
            poll_interval=poll_interval,
            on_progress=on_progress,
            raise_on_failure=raise_on_failure,
        )
        return await driver.run(steps)


class RunsWithRawResponse:
    """``client.runs.with_raw_response``. Waiting is many requests, so it has no raw form."""

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
