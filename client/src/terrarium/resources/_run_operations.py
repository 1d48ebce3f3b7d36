"""The operations on runs, for both clients: starting, reading, cancelling, and starting again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from .._errors import APIError
from .._operation import (
    Exchange,
    Operation,
    RequestOptions,
    Steps,
    WriteOptions,
    fill_path,
    without_none,
)
from .._wire import BatchStarted, RunEstimate, RunStarted
from ..types import Run


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


def start_batch(body: Mapping[str, object], options: WriteOptions) -> Operation[BatchStarted]:
    """``POST /runs/batch``."""

    def recover(run_id: str, exchange: Exchange) -> Steps[BatchStarted]:
        run = yield from exchange(retrieve_run(run_id, {}))
        return _batch_started(run)

    return Operation(
        method="POST",
        path="/runs/batch",
        shape=BatchStarted,
        body=body,
        writes=True,
        options=options,
        recover=recover,
    )


def rerun(
    run_id: str, changes: Mapping[str, object], options: WriteOptions
) -> Operation[RunStarted | BatchStarted]:
    """``POST /runs/{run_id}/rerun``: a batch has another answer than a single run."""

    def recover(new_id: str, exchange: Exchange) -> Steps[RunStarted | BatchStarted]:
        run = yield from exchange(retrieve_run(new_id, {}))
        return _run_started(run) if run.steps is None else _batch_started(run)

    return Operation(
        method="POST",
        path=fill_path("/runs/{}/rerun", run_id),
        shape=cast("Any", BatchStarted | RunStarted),
        body=changes,
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


def run_events(run_id: str, options: RequestOptions) -> Operation[object]:
    """``GET /runs/{run_id}/events``."""
    path = fill_path("/runs/{}/events", run_id)
    return Operation(method="GET", path=path, shape=object, options=WriteOptions(**options))


def _run_started(run: Run) -> RunStarted:
    """What the server answered when it started this run, as far as the run shows it."""
    return RunStarted(
        run_id=run.run_id,
        type="generation",
        charged_cost=run.charged_cost or 0.0,
        estimated_seconds=None,
        model=run.model,
        poll_url=run.poll_url,
        project_id=run.project_id,
    )


def _batch_started(run: Run) -> BatchStarted:
    poll_url = run.poll_url or ""
    return BatchStarted(
        run_id=run.run_id,
        type="batch",
        charged_cost=run.charged_cost or 0.0,
        estimated_seconds=None,
        poll_url=poll_url,
        project_id=run.project_id or "",
        runs=[
            RunStarted(
                run_id=step.run_id,
                type="generation",
                charged_cost=step.charged_cost,
                estimated_seconds=None,
                model=step.model,
                poll_url=poll_url.replace(run.run_id, step.run_id),
                project_id=run.project_id,
            )
            for step in run.steps or []
        ],
    )
