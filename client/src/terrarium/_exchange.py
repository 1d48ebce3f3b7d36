"""Sending one call: retries, the waits between them, and recovery after a lost response."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from functools import partial
from typing import TypeVar
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import httpx

from ._clock import Clock
from ._config import Config
from ._errors import APIConnectionError, FloraError, status_error
from ._operation import Operation, Send, Sleep, Steps
from ._prepare import prepare
from ._response import APIResponse, read_as
from ._retry import pause, worth_retrying

T = TypeVar("T")

_KEY = re.compile(r"(?=.*[!-~])[ -~]{1,255}")

log = logging.getLogger("flora")

# These errors occur before the request is sent, so the server cannot have acted on it.
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def exchange(operation: Operation[T], config: Config, clock: Clock) -> Steps[APIResponse[T]]:
    """Send ``operation``, retry where that may help, and return the response.

    Every attempt of a writing call has the same idempotency key. Suppose the response to one attempt is lost
    and the server answers the next one that the key has been used. Then the earlier attempt has arrived: what
    it made is read, and the call succeeds.
    """
    key = operation.options.get("idempotency_key")
    if key is None:
        key = str(uuid4()) if operation.writes else None
    elif not _KEY.fullmatch(key):
        raise FloraError("idempotency_key must have 1 to 255 printable ASCII characters, not only spaces.")
    request = prepare(operation, config, key)
    may_have_arrived = False
    for attempt in range(config.max_retries + 1):
        is_last = attempt == config.max_retries
        headers: Mapping[str, str] | None = None
        try:
            response: httpx.Response = yield Send(request)
        except APIConnectionError as error:
            may_have_arrived |= not isinstance(error.__cause__, _NEVER_SENT)
            if is_last:
                raise
            reason = str(error)
        else:
            log.debug("%s %s answered %d", request.method, request.url, response.status_code)
            if response.status_code < 400:
                read = partial(read_as, operation.shape)
                return APIResponse(response, read, idempotency_key=key, retries_taken=attempt)
            made = _made_before(response, operation.made_prefix) if may_have_arrived else None
            if made and operation.recover:
                log.info("An earlier attempt has arrived; it made %s", made)
                recovered = yield from operation.recover(made, _NestedExchange(config, clock))
                return _recovered_response(response, recovered, key, attempt)
            # A gateway sends these without knowing whether the server behind it received the request.
            may_have_arrived |= response.status_code == 408 or response.status_code >= 500
            headers = response.headers
            if is_last or not worth_retrying(response.status_code, headers):
                raise status_error(response)
            reason = f"status {response.status_code}"
        wait = pause(attempt, headers, now=clock.now(), jitter=clock.jitter())
        log.info("%s %s: %s; retrying in %.2f s", request.method, request.url, reason, wait)
        yield Sleep(wait)
    raise AssertionError("the last attempt either returns or raises")


def _recovered_response(response: httpx.Response, value: T, key: str | None, attempt: int) -> APIResponse[T]:
    return APIResponse(response, lambda _: value, idempotency_key=key, retries_taken=attempt)


class _NestedExchange:
    """Sends further operations while another one is being sent."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config, self._clock = config, clock

    def __call__(self, operation: Operation[T], /) -> Steps[T]:
        response = yield from exchange(operation, self._config, self._clock)
        return response.parse()


def _made_before(response: httpx.Response, prefix: str) -> str | None:
    """The id of what was made with our key, from the ``location`` of a 409.

    Only the id is used. The host in that URL may be another one, and the key must not be sent there.
    """
    if response.status_code != 409:
        return None
    location: str = response.headers.get("location", "")
    segment = unquote(urlsplit(location).path.rstrip("/").rpartition("/")[2])
    return segment if re.fullmatch(rf"{prefix}\S+", segment) else None
