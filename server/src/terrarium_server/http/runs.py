"""One run: reading it, waiting for it, and what it would cost."""

import hashlib
from typing import Annotated

from fastapi import Header
from fastapi.responses import Response

from terrarium_server import assets, runs, settlement, wire
from terrarium_server.accounts import Caller
from terrarium_server.assets import KeptOutput
from terrarium_server.money import to_usd
from terrarium_server.problems import Resource
from terrarium_server.runs import Run
from terrarium_server.store import Transaction

from . import present
from ._api import api
from ._context import Authenticated, Mutating
from ._waiting import LONGEST_WAIT, Wait, await_change, preferred_wait
from .generations import generation_request


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
    response_model=wire.Run,
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

    def show(run: Run, outputs: list[KeptOutput]) -> tuple[bytes, str]:
        body = present.run(run, outputs, context.base_url).model_dump_json().encode()
        return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'

    def is_news(run: Run, outputs: list[KeptOutput]) -> bool:
        return if_none_match is not None and show(run, outputs)[1] not in if_none_match

    body, tag = show(*await await_change(context, run_id, seconds or 0, is_news))
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    if seconds is not None:
        headers["preference-applied"] = f"wait={seconds}"
    if if_none_match is not None and (tag in if_none_match or if_none_match.strip() == "*"):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


@api.post("/runs/{run_id}/cancel", tags=["runs"], operation_id="runs_cancel")
async def cancel(run_id: wire.RunId, context: Mutating) -> wire.Run:
    """Cancel a run: nothing is charged. A run that is over already is returned unchanged."""

    def work(tx: Transaction, caller: Caller) -> tuple[Run, list[KeptOutput]]:
        caller.require_editor()
        run = runs.find_run(tx, caller.workspace_id, run_id)
        settlement.cancel(tx, run)
        # Read again in either case: it may have waited until another request or the worker had ended it.
        run = runs.read_run(tx, run_id)
        return run, assets.outputs_of(tx, [run_id]).get(run_id, [])

    run, outputs = await context.write("cancel", work, resource=Resource("run", run_id), destination=run_id)
    context.http.run_ended(run_id)
    return present.run(run, outputs, context.base_url)
