"""Starting many generations at once."""

from fastapi.responses import Response

from terrarium_server import ids, wire
from terrarium_server.admission import AdmittedGraph, GenerationRequest, GraphRequest
from terrarium_server.problems import Resource

from . import present
from ._api import api, counts_as_start
from ._context import Mutating, MutationContext
from ._waiting import WaitOnStart
from .generations import await_end


@api.post(
    "/runs/batch",
    status_code=201,
    response_model=wire.BatchStarted,
    operation_id="runs_start_batch",
    tags=["runs"],
)
@counts_as_start
async def start_batch(body: wire.StartBatch, context: Mutating, prefer: WaitOnStart = None) -> Response:
    """Start up to 200 generations as one batch: all or none, with one quote and one run to poll.

    It counts as so many starts. Each run stands for itself: those that complete are charged, also if others
    fail. One invalid start refuses the whole batch.
    """
    request = GraphRequest(
        workspace_id=body.workspace_id,
        project_id=body.project_id,
        starts=[_start(body, start) for start in body.starts],
        max_parallel=body.max_parallel,
    )
    admission = context.http.admission
    run_id = ids.mint("run")
    admitted = await context.write(
        "batch",
        lambda tx, caller: admission.admit_graph(tx, caller, request, run_id),
        resource=Resource("run", run_id),
        destination=body.project_id,
    )
    return await answer_batch(context, admitted, prefer)


async def answer_batch(context: MutationContext, admitted: AdmittedGraph, prefer: str | None) -> Response:
    """Answer the start of a batch, at once or after waiting for its end."""
    context.request.state.rate = admitted.rate
    answer = present.batch_started(admitted.root, admitted.members, context.base_url)
    answer.run, headers = await await_end(context, admitted.root.run_id, prefer)
    return Response(answer.model_dump_json(), 201, headers, media_type="application/json")


def _start(body: wire.StartBatch, start: wire.BatchStart) -> GenerationRequest:
    return GenerationRequest(
        workspace_id=body.workspace_id,
        project_id=body.project_id,
        type=start.type,
        prompt=start.prompt,
        model_id=start.model,
        params=start.params or {},
        priority=body.priority,
    )
