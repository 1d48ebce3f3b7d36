"""Starting generations and their history."""

from contextlib import suppress
from typing import Annotated, Literal, cast

from fastapi import Query
from fastapi.responses import Response

from terrarium_server import assets, ids, runs, wire
from terrarium_server.accounts import Caller
from terrarium_server.admission import Admitted, GenerationRequest
from terrarium_server.assets import KeptOutput
from terrarium_server.problems import Problem, Resource
from terrarium_server.runs import Run
from terrarium_server.store import UNAVAILABLE, Transaction

from . import present
from ._api import api, counts_as_start
from ._context import Authenticated, Mutating, MutationContext
from ._waiting import LONGEST_WAIT_ON_START, WaitOnStart, await_change, preferred_wait
from .paging import DEFAULT_LIMIT, Cursor, EmptyIsAbsent, Limit, decode_cursor, encode_cursor


def generation_request(body: wire.StartGeneration) -> GenerationRequest:
    """Return the body of a start as admission takes it."""
    return GenerationRequest(
        workspace_id=body.workspace_id,
        project_id=body.project_id,
        type=body.type,
        prompt=body.prompt,
        model_id=body.model,
        params=body.params or {},
        priority=body.priority,
    )


async def _start(context: MutationContext, body: wire.StartGeneration, prefer: str | None) -> Response:
    request = generation_request(body)
    admission = context.http.admission
    run_id = ids.mint("run")
    admitted = await context.write(
        "generation",
        lambda tx, caller: admission.admit(tx, caller, request, run_id),
        resource=Resource("run", run_id),
        destination=body.project_id,
    )
    return await answer_start(context, admitted, prefer)


async def answer_start(context: MutationContext, admitted: Admitted, prefer: str | None) -> Response:
    """Answer the start of a run, at once or after waiting for its end."""
    context.request.state.rate = admitted.rate
    answer = present.started(admitted.run, context.base_url)
    answer.run, headers = await await_end(context, admitted.run.run_id, prefer)
    # Serialised here, because FastAPI would validate the response once more.
    return Response(answer.model_dump_json(), 201, headers, media_type="application/json")


async def await_end(
    context: MutationContext, run_id: str, prefer: str | None
) -> tuple[wire.RunDetail | None, dict[str, str]]:
    """Wait for a run that was just started as its caller prefers; return it if it is over, and headers."""
    seconds = preferred_wait(prefer, LONGEST_WAIT_ON_START)
    if seconds is None:
        return None, {}
    headers = {"preference-applied": f"wait={seconds}"}
    # The run is started, whatever happens to the wait: its key may be revoked, or the database be away.
    with suppress(Problem, *UNAVAILABLE):
        view = await await_change(context, run_id, seconds)
        if view.run.is_over:
            return present.run_detail(view, context.base_url), headers
    return None, headers


@api.post(
    "/runs/generation",
    status_code=201,
    response_model=wire.RunStarted,
    operation_id="runs_start_generation",
    tags=["runs"],
)
@counts_as_start
async def start_generation(
    body: wire.StartGeneration, context: Mutating, prefer: WaitOnStart = None
) -> Response:
    """Start a generation run in a project's canvas."""
    return await _start(context, body, prefer)


@api.post(
    "/generate",
    status_code=201,
    response_model=wire.RunStarted,
    operation_id="generations_create",
    tags=["generations"],
)
@counts_as_start
async def generate(body: wire.StartGeneration, context: Mutating, prefer: WaitOnStart = None) -> Response:
    """Start a generation run: the same operation as `/runs/generation`, under its newer name."""
    return await _start(context, body, prefer)


@api.get(
    "/generations",
    operation_id="generations_list",
    tags=["generations"],
)
async def list_generations(
    context: Authenticated,
    limit: Limit = None,
    cursor: Cursor = None,
    workspace_id: Annotated[wire.WorkspaceId | None, EmptyIsAbsent, Query()] = None,
    project_id: Annotated[wire.ProjectId | None, EmptyIsAbsent, Query()] = None,
    status: Annotated[Literal["", "pending", "running", "completed", "failed"] | None, Query()] = None,
) -> wire.GenerationPage:
    """List generations newest first."""
    position = decode_cursor(cursor, str)
    size = limit or DEFAULT_LIMIT

    def work(tx: Transaction, caller: Caller) -> tuple[list[Run], dict[str, list[KeptOutput]]]:
        if workspace_id:
            caller.require_workspace(workspace_id)
        rows = runs.list_runs(
            tx,
            caller.workspace_id,
            limit=size + 1,
            before=cast(str, position[0]) if position else None,
            project_id=project_id,
            state=status or None,
        )
        return rows, assets.outputs_of(tx, [run.run_id for run in rows])

    rows, outputs = await context.read(work)
    page = rows[:size]
    return wire.GenerationPage(
        generations=[present.generation(run, outputs.get(run.run_id, []), context.base_url) for run in page],
        meta=wire.PageMeta(next_cursor=encode_cursor(page[-1].run_id) if len(rows) > size else None),
    )
