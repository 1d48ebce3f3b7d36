"""Events as they happen, of a project or of a run (server-sent events)."""

import time
from collections.abc import AsyncGenerator
from typing import Annotated, Any

from fastapi import Header, Query
from fastapi.responses import Response
from pydantic import BeforeValidator, Field

from terrarium_server import accounts, events, runs, wire
from terrarium_server.accounts import Caller
from terrarium_server.events import Kept, Selection
from terrarium_server.problems import Unauthorized
from terrarium_server.runs import Run
from terrarium_server.store import UNAVAILABLE, Transaction

from ._api import api
from ._context import Authenticated, RequestContext
from ._document import EVENT_SCHEMA
from ._event_stream import KEEP_ALIVE, EventStream, opening
from .paging import EmptyIsAbsent, digits

# After so long without events a comment keeps the connection open; the key is checked as often.
_SILENCE_SECONDS = 15.0
_PAGE = 200

_Number = Annotated[int, Field(ge=0, lt=2**63), BeforeValidator(digits)]
LastEventId = Annotated[
    _Number | None,
    EmptyIsAbsent,
    Header(description="The `id` of the last event that the client has; what came after it is sent"),
]
After = Annotated[
    _Number | None,
    EmptyIsAbsent,
    Query(description="The same for clients that cannot set a header, which wins"),
]

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events. First comes `open` or, if events after the given one are not "
        "kept, `reset`, both with an `EventPosition`. Then come the events, each with an `Event`, and "
        "between them `run.progress` with a `RunProgressed`.",
        "content": {"text/event-stream": {"schema": EVENT_SCHEMA}},
    }
}


@api.get(
    "/projects/{project_id}/events",
    tags=["events"],
    operation_id="projects_events",
    response_class=Response,
    responses=_STREAM,
)
async def stream_project(
    project_id: wire.ProjectId,
    context: Authenticated,
    last_event_id: LastEventId = None,
    after: After = None,
) -> Response:
    """Send the events of a project, from now on or after the one with the given number."""
    given = last_event_id if last_event_id is not None else after

    def work(tx: Transaction, caller: Caller) -> tuple[str, Kept]:
        accounts.find_project(tx, caller.workspace_id, project_id)
        return caller.workspace_id, events.kept(tx, project_id)

    workspace_id, kept = await context.read(work)
    context.http.open_streams.check(workspace_id)
    is_reset = given is not None and not kept.follows(given)
    start = kept.last if given is None or is_reset else given
    first = opening("reset" if is_reset else "open", start)
    stream = EventStream(_live(context, first, Selection(project_id), start, kept.last))
    return context.http.open_streams.add(workspace_id, stream)


@api.get(
    "/runs/{run_id}/events",
    tags=["events"],
    operation_id="runs_events",
    response_class=Response,
    responses={**_STREAM, 204: {"description": "The run's last event is the given one", "model": None}},
)
async def stream_run(
    run_id: wire.RunId, context: Authenticated, last_event_id: LastEventId = None, after: After = None
) -> Response:
    """Send the events of a run, and of all runs below it, up to its end.

    They start with the oldest one that is kept, or after the one with the given number.
    """
    given = last_event_id if last_event_id is not None else after

    def work(tx: Transaction, caller: Caller) -> tuple[Run, Selection, Kept, bool]:
        # The run before its events: if it is over here, its last event is among them.
        run = runs.find_run(tx, caller.workspace_id, run_id)
        stream = run.project_id or run.root_run_id
        member = run_id if run.parent_run_id is not None else None
        selection = Selection(stream, run.root_run_id, member)
        return run, selection, events.kept(tx, stream), bool(events.read(tx, selection, given or 0, limit=1))

    run, selection, kept, has_more = await context.read(work)
    is_reset = given is not None and not kept.follows(given)
    if run.is_over and not has_more and given is not None and not is_reset:
        return Response(status_code=204)
    if is_reset or (run.is_over and not has_more):
        first, start = opening("reset", kept.last), kept.last
    else:
        first, start = opening("open", given), given or 0
    context.http.open_streams.check(run.workspace_id)
    if run.is_over:
        pieces = _recorded(context, first, selection, start)
    else:
        pieces = _live(context, first, selection, start, kept.last)
    return context.http.open_streams.add(run.workspace_id, EventStream(pieces))


async def _live(
    context: RequestContext, first: bytes, selection: Selection, start: int, last: int
) -> AsyncGenerator[bytes]:
    """Yield the text of events until they end, the key is refused, or the process stops."""
    yield first
    with context.http.feed.listen(selection, start, last) as listener:
        check_at = time.monotonic() + _SILENCE_SECONDS
        while (text := await listener.next(check_at - time.monotonic())) is not None:
            if time.monotonic() >= check_at:
                if not await _is_valid(context):
                    return
                check_at = time.monotonic() + _SILENCE_SECONDS
            yield text or KEEP_ALIVE


async def _recorded(
    context: RequestContext, first: bytes, selection: Selection, start: int
) -> AsyncGenerator[bytes]:
    """Yield the text of the events of a run that is over."""
    yield first
    while page := await context.http.feed.read(selection, start, _PAGE):
        yield b"".join(text for _, text in page)
        start = page[-1][0].number


async def _is_valid(context: RequestContext) -> bool:
    """Whether the key still is; it counts as valid while the database is away."""
    try:
        await context.read(lambda _tx, _caller: None)
    except Unauthorized:
        return False
    except UNAVAILABLE:
        pass
    return True
