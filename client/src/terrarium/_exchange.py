"""Sending one call until it has an answer: attempts, waits, and a lost answer found again."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from functools import partial
from typing import TypeVar
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import httpx

from ._config import Config
from ._errors import APIConnectionError, status_error
from ._operation import Operation, Send, Sleep, Steps
from ._pace import Pace
from ._prepare import prepare
from ._response import APIResponse, read_as
from ._retry import pause, worth_retrying

T = TypeVar("T")

log = logging.getLogger("flora")

# These fail before the request is on its way, so the server cannot have acted on it.
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def exchange(operation: Operation[T], config: Config, pace: Pace) -> Steps[APIResponse[T]]:
    """Send ``operation``, again where that may help, and give its answer.

    Every attempt of a writing call carries the same idempotency key. When a later attempt is told that the
    key is taken, after an earlier one whose answer never arrived, then that earlier one got through: the run
    that holds the key is read, and the call succeeds.
    """
    key = operation.options.get("idempotency_key") or (str(uuid4()) if operation.writes else None)
    request = prepare(operation, config, key)
    perhaps_acted_on = False
    for attempt in range(config.max_retries + 1):
        is_last = attempt == config.max_retries
        told: Mapping[str, str] | None = None
        try:
            response: httpx.Response = yield Send(request)
        except APIConnectionError as broken:
            perhaps_acted_on |= not isinstance(broken.__cause__, _NEVER_SENT)
            if is_last:
                raise
            reason = str(broken)
        else:
            log.debug("%s %s answered %d", request.method, request.url, response.status_code)
            if response.status_code < 400:
                read = partial(read_as, operation.shape)
                return APIResponse(response, read, idempotency_key=key, retries_taken=attempt)
            run_id = _holder(response) if perhaps_acted_on else None
            if run_id and operation.regain:
                log.info("An earlier attempt got through; its run is %s", run_id)
                regained = yield from operation.regain(run_id, _Within(config, pace))
                return _settled(response, regained, key, attempt)
            # Gateways answer like this without knowing what became of the request behind them.
            perhaps_acted_on |= response.status_code == 408 or response.status_code >= 500
            told = response.headers
            if is_last or not worth_retrying(response.status_code, told):
                raise status_error(response)
            reason = f"status {response.status_code}"
        wait = pause(attempt, told, now=pace.now(), chance=pace.chance())
        log.info("%s %s: %s; again in %.2f s", request.method, request.url, reason, wait)
        yield Sleep(wait)
    raise AssertionError("the last attempt either answers or raises")


def _settled(response: httpx.Response, value: T, key: str | None, attempt: int) -> APIResponse[T]:
    return APIResponse(response, lambda _: value, idempotency_key=key, retries_taken=attempt)


class _Within:
    """Sends further operations inside a conversation."""

    def __init__(self, config: Config, pace: Pace) -> None:
        self._config, self._pace = config, pace

    def __call__(self, operation: Operation[T], /) -> Steps[T]:
        response = yield from exchange(operation, self._config, self._pace)
        return response.parse()


def _holder(response: httpx.Response) -> str | None:
    """The id of the run that holds our key, from the ``location`` of a 409.

    Only the id is taken: the address itself may be another name of this server, or of no server of ours,
    and the key must not be sent there.
    """
    if response.status_code != 409:
        return None
    location: str = response.headers.get("location", "")
    last = unquote(urlsplit(location).path.rstrip("/").rpartition("/")[2])
    return last if re.fullmatch(r"run_\S+", last) else None
