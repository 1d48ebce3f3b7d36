"""One run: reading it, waiting for it, and what it would cost."""

import hashlib
from typing import Annotated

from fastapi import Header
from fastapi.responses import Response

from terrarium_server import ids, runs, settlement, wire
from terrarium_server.accounts import Caller
from terrarium_server.admission import Admitted, AdmittedGraph, Changes
from terrarium_server.money import to_usd
from terrarium_server.problems import Resource
from terrarium_server.store import Transaction

from . import present
from ._api import api, counts_as_start
from ._context import Authenticated, Mutating
from ._run_view import RunView, read_view
from ._waiting import LONGEST_WAIT, Wait, WaitOnStart, await_change, preferred_wait
from .batches import answer_batch
from .generations import answer_start, generation_request


@api.post("/runs/estimate", tags=["runs"], operation_id="runs_estimate")
async def estimate(body: wire.StartGeneration, context: Authenticated) -> wire.RunEstimate:
    """Return what the same start would hold and how long it would take; spends nothing."""
    request = generation_request(body)
    admission = context.http.admission
    quoted = await context.read(lambda tx, caller: admission.estimate(tx, caller, request))
    return wire.RunEstimate(
        charged_cost=to_usd(quoted.quote_micros),
        estimated_seconds=quoted.seconds,
        # The id that was requested, as in the answer to a start.
        model=wire.RunModel(model_id=body.model or quoted.card.id),
        type="generation",
    )


@api.get(
    "/runs/{run_id}",
    tags=["runs"],
    operation_id="runs_retrieve",
    response_model=wire.RunDetail,
    responses={304: {"description": "Unchanged since the ETag in If-None-Match", "model": None}},
)
async def retrieve(
    run_id: wire.RunId,
    context: Authenticated,
    prefer: Wait = None,
    if_none_match: Annotated[
        str | None, Header(description="With `Prefer: wait`, answer as soon as anything changes")
    ] = None,
) -> Response:
    """Show a run, at once or after waiting for it."""
    seconds = preferred_wait(prefer, LONGEST_WAIT)

    def show(view: RunView) -> tuple[bytes, str]:
        body = present.run_detail(view, context.base_url).model_dump_json().encode()
        return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'

    def is_news(view: RunView) -> bool:
        return if_none_match is not None and show(view)[1] not in if_none_match

    body, tag = show(await await_change(context, run_id, seconds or 0, is_news))
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    if seconds is not None:
        headers["preference-applied"] = f"wait={seconds}"
    if if_none_match is not None and (tag in if_none_match or if_none_match.strip() == "*"):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


@api.post("/runs/{run_id}/cancel", tags=["runs"], operation_id="runs_cancel")
async def cancel(run_id: wire.RunId, context: Mutating) -> wire.RunDetail:
    """Cancel a run, or all runs of a batch that have not ended: nothing is charged for those.

    A run that is over already is returned unchanged.
    """

    def work(tx: Transaction, caller: Caller) -> RunView:
        caller.require_editor()
        run = runs.find_run(tx, caller.workspace_id, run_id)
        settlement.cancel(tx, run, actor=f"key:{caller.key_id}")
        # Read again in any case: it may have waited until another request or the worker had ended it.
        return read_view(tx, caller, run_id)

    view = await context.write("cancel", work, resource=Resource("run", run_id), destination=run_id)
    return present.run_detail(view, context.base_url)


@api.post(
    "/runs/{run_id}/rerun",
    status_code=201,
    response_model=wire.RunStarted | wire.BatchStarted,
    tags=["runs"],
    operation_id="runs_rerun",
)
@counts_as_start
async def rerun(
    run_id: wire.RunId, context: Mutating, body: wire.Rerun | None = None, prefer: WaitOnStart = None
) -> Response:
    """Start a run again: exactly, with the same seed, or with changes; a batch only with another priority."""
    new_id = ids.mint("run")
    changes = Changes()
    if body is not None:
        changes = Changes(body.prompt, body.model, body.params or {}, body.priority)
    admission = context.http.admission

    def work(tx: Transaction, caller: Caller) -> Admitted | AdmittedGraph:
        caller.require_editor()
        run = runs.find_run(tx, caller.workspace_id, run_id)
        if run.is_root:
            return admission.admit_graph(tx, caller, admission.repeat_graph(tx, run, changes), new_id)
        return admission.admit(tx, caller, admission.repeat(run, changes), new_id)

    admitted = await context.write("rerun", work, resource=Resource("run", new_id), destination=run_id)
    if isinstance(admitted, AdmittedGraph):
        return await answer_batch(context, admitted, prefer)
    return await answer_start(context, admitted, prefer)
