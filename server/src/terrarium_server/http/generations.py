"""Starting generations and their history."""

from typing import Annotated, Literal, cast

from fastapi import Header, Query
from fastapi.responses import Response

from terrarium_server import assets, runs, wire
from terrarium_server.accounts import Caller
from terrarium_server.admission import GenerationRequest
from terrarium_server.assets import KeptOutput
from terrarium_server.runs import Run
from terrarium_server.store import Transaction

from . import present
from ._api import api
from ._context import Authenticated, RequestContext
from .paging import DEFAULT_LIMIT, Cursor, EmptyIsAbsent, Limit, decode_cursor, encode_cursor

IdempotencyKey = Annotated[
    str | None,
    Header(description="The same key within two hours in the same workspace is refused with 409."),
]


def generation_request(body: wire.StartGeneration) -> GenerationRequest:
    """Return the body of a start as admission takes it."""
    return GenerationRequest(
        workspace_id=body.workspace_id,
        project_id=body.project_id,
        type=body.type,
        prompt=body.prompt,
        model_id=body.model,
        params=body.params or {},
    )


async def _start(
    context: RequestContext, body: wire.StartGeneration, idempotency_key: str | None
) -> Response:
    request = generation_request(body)
    admission = context.http.admission
    run = await context.write(lambda tx, caller: admission.admit(tx, caller, request, idempotency_key))
    # Serialised here, because FastAPI would validate the response once more.
    return Response(
        present.started(run, context.base_url).model_dump_json(), 201, media_type="application/json"
    )


@api.post(
    "/runs/generation",
    status_code=201,
    response_model=wire.RunStarted,
    operation_id="runs_start_generation",
    tags=["runs"],
)
async def start_generation(
    body: wire.StartGeneration, context: Authenticated, idempotency_key: IdempotencyKey = None
) -> Response:
    """Start a generation run in a project's canvas."""
    return await _start(context, body, idempotency_key)


@api.post(
    "/generate",
    status_code=201,
    response_model=wire.RunStarted,
    operation_id="generations_create",
    tags=["generations"],
)
async def generate(
    body: wire.StartGeneration, context: Authenticated, idempotency_key: IdempotencyKey = None
) -> Response:
    """Start a generation run: the same operation as `/runs/generation`, under its newer name."""
    return await _start(context, body, idempotency_key)


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
