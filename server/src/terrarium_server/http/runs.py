"""One run: reading it, waiting for it, and what it would cost."""

import asyncio
import hashlib
import re
import time
from contextlib import suppress
from typing import Annotated

from fastapi import Header
from fastapi.responses import Response

from terrarium_server import assets, runs, settlement, wire
from terrarium_server.accounts import Caller
from terrarium_server.assets import KeptOutput
from terrarium_server.money import to_usd
from terrarium_server.runs import Run
from terrarium_server.store import Transaction

from . import present
from ._api import api
from ._context import Authenticated, RequestContext
from .generations import generation_request

LONGEST_WAIT = 60
# Another process may have changed the run, and its signals do not reach this one.
_POLL_SECONDS = 0.5
_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\"?(?:$|[,;\s])", re.IGNORECASE)


@api.post("/runs/estimate", tags=["runs"], operation_id="runs_estimate")
async def estimate(body: wire.StartGeneration, context: Authenticated) -> wire.RunEstimate:
    """Return what the same start would hold and how long it would take; spends nothing."""
    request = generation_request(body)
    admission = context.http.admission
    quoted = await context.read(lambda tx, caller: admission.estimate(tx, caller, request))
    return wire.RunEstimate(
        charged_cost=to_usd(quoted.quote_micros),
        estimated_seconds=quoted.seconds,
        model=wire.RunModel(model_id=quoted.card.id),
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
    prefer: Annotated[
        str | None,
        Header(description=f"`wait=N`: answer when the run is over, or after N (1–{LONGEST_WAIT}) s"),
    ] = None,
    if_none_match: Annotated[
        str | None, Header(description="With `Prefer: wait`, answer as soon as anything changes")
    ] = None,
) -> Response:
    """Show a run, at once or after waiting for it."""
    wait = _WAIT.search(prefer or "")
    seconds = min(int(wait[1]), LONGEST_WAIT) if wait else 0
    body, tag = await _await_change(context, run_id, seconds, if_none_match)
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    if wait:
        headers["preference-applied"] = f"wait={seconds}"
    if if_none_match is not None and (tag in if_none_match or if_none_match.strip() == "*"):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


@api.post("/runs/{run_id}/cancel", tags=["runs"], operation_id="runs_cancel")
async def cancel(run_id: wire.RunId, context: Authenticated) -> wire.Run:
    """Cancel a run: nothing is charged. A run that is over already is returned unchanged."""

    def work(tx: Transaction, caller: Caller) -> tuple[Run, list[KeptOutput]]:
        caller.require_editor()
        run = runs.find_run(tx, caller.workspace_id, run_id)
        if settlement.cancel(tx, run):
            run = runs.read_run(tx, run_id)
        return run, assets.outputs_of(tx, [run_id]).get(run_id, [])

    run, outputs = await context.write(work)
    context.http.run_ended(run_id)
    return present.run(run, outputs, context.base_url)


async def _await_change(
    context: RequestContext, run_id: str, seconds: int, known_tag: str | None
) -> tuple[bytes, str]:
    """Read until the run is over, differs from ``known_tag``, or the time is up."""
    signals = context.http.signals
    deadline = time.monotonic() + seconds
    while True:
        # This comes before the read; otherwise a change between read and wait would be missed.
        changed = signals.expect(run_id) if seconds else None
        try:
            run, outputs = await context.read(lambda tx, caller: _read(tx, caller, run_id))
            body = present.run(run, outputs, context.base_url).model_dump_json().encode()
            tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
            left = deadline - time.monotonic()
            has_changed = known_tag is not None and tag not in known_tag
            if run.is_over or has_changed or left <= 0 or changed is None or signals.is_closed:
                return body, tag
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), min(left, _POLL_SECONDS))
            if await context.request.is_disconnected():
                return body, tag
        finally:
            if changed is not None:
                signals.forget(run_id, changed)


def _read(tx: Transaction, caller: Caller, run_id: str) -> tuple[Run, list[KeptOutput]]:
    run = runs.find_run(tx, caller.workspace_id, run_id)
    return run, assets.outputs_of(tx, [run_id]).get(run_id, []) if run.state == "completed" else []
