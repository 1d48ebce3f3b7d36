"""Following events: one sequence of them over as many connections as it takes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import cast

import httpx
from pydantic import ValidationError

from ._clock import Clock
from ._config import Config, with_longer_read
from ._errors import APIConnectionError, APIResponseValidationError, APIStatusError, status_error
from ._exchange import log
from ._model import FloraModel, decode
from ._operation import Connect, Emit, Operation, Receive, Request, Sleep, StreamSteps, WriteOptions
from ._outage import Outage
from ._prepare import prepare
from ._retry import LONGEST_SERVER_WAIT
from ._sse import Decoder, ServerSentEvent
from .types import Event, RunProgress, StreamEvent, StreamPosition

# In seconds: the wait between two connections, unless the server wants another one; and how long it may be
# silent, in addition to the client's timeout. It sends a comment every 15 seconds.
RECONNECT = 1.0
LONGEST_SILENCE = 30
_ENDS = {"run.completed", "run.failed", "run.skipped"}
_SHAPES: dict[str, type[FloraModel]] = {
    "run.progress": RunProgress,
    "open": StreamPosition,
    "reset": StreamPosition,
}


def follow_events(
    operation: Operation[object],
    config: Config,
    clock: Clock,
    *,
    after: int | None,
    run_id: str | None = None,
) -> StreamSteps[StreamEvent]:
    """Receive events, if ``run_id`` is given up to the end of that run; see ``Runs.events``."""
    last_id = None if after is None else str(after)
    outage = Outage(operation.path, clock)
    is_open = False
    while True:
        decoder = Decoder(last_id)
        wait = 0.0
        try:
            response: httpx.Response = yield Connect(_request(operation, last_id, config))
            if response.status_code == 204:
                return
            _check(response)
            outage.is_over()
            while (chunk := (yield Receive())) is not None:
                for event in filter(None, map(_typed, decoder.feed(chunk))):
                    if event.type == "open" and is_open:
                        continue  # the caller need not know of reconnections
                    is_open = True
                    yield Emit(event)
                    if isinstance(event, Event) and event.run_id == run_id and event.type in _ENDS:
                        return
        except (APIConnectionError, APIStatusError) as error:
            wait = outage.wait_after(error, since=clock.monotonic())
        last_id = decoder.last_id
        requested = RECONNECT if decoder.retry is None else decoder.retry / 1000
        yield Sleep(max(wait, min(requested, LONGEST_SERVER_WAIT) * (1 - 0.25 * clock.jitter())))


def _request(operation: Operation[object], last_id: str | None, config: Config) -> Request:
    headers = {"accept": "text/event-stream"}
    if last_id:
        headers["last-event-id"] = last_id
    given = operation.options
    options = WriteOptions(**given)
    options["extra_headers"] = {**headers, **given.get("extra_headers", {})}
    options["timeout"] = with_longer_read(given.get("timeout", config.timeout), LONGEST_SILENCE)
    return prepare(replace(operation, options=options), config, None)


def _check(response: httpx.Response) -> None:
    if response.status_code >= 400:
        raise status_error(response)
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "text/event-stream":
        raise APIResponseValidationError(
            f"{response.request.url} answered {response.status_code} with {media_type or 'no type'} instead "
            "of events. Is base_url the address of a Terrarium (it ends in /api/v1)?",
            response=response,
        )


def _typed(message: ServerSentEvent) -> StreamEvent | None:
    """The event as the caller gets it; None if it has a shape that this version does not know."""
    try:
        data = json.loads(message.data)
        event = decode(_SHAPES.get(message.type, Event), {**data, "type": message.type})
        return cast("StreamEvent", event)
    except (ValueError, TypeError, ValidationError) as error:
        log.info("An event %s cannot be read: %s", message.type, error)
        return None
