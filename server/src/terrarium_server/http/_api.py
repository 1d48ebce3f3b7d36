"""The router of the API with the refusals that every route declares, and that of the other routes.

There is one flat router, because every level of included routers is searched again for every request.
"""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from terrarium_server import ledger, wire
from terrarium_server.accounts import Caller
from terrarium_server.problems import Problem, RateLimited
from terrarium_server.rates import Rate

from ._context import HttpContext, http_context
from .caller import bearer_token

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

_READS_PER_START = 10

_REFUSALS = {
    400: "Invalid input or invalid JSON",
    401: "No API key, or an invalid one",
    402: "Insufficient credits",
    403: "The key's role does not allow this",
    404: "Not found in this workspace",
    408: "The body did not arrive in time",
    409: "The idempotency key is in use; `location` is what the first request made or changed",
    413: "The body is too large",
    429: "Rate limit exceeded; see `retry-after`",
    500: "Something went wrong here; quote the `request-id`",
    503: "The database does not answer at the moment; try again",
}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"description": description, "model": wire.ErrorEnvelope}
    for status, description in _REFUSALS.items()
}
_starts: set[Callable[..., Any]] = set()


def counts_as_start(endpoint: Endpoint) -> Endpoint:
    """Mark an endpoint whose requests count against the workspace's starts: admission counts them."""
    _starts.add(endpoint)
    return endpoint


class _CheckedRoute(APIRoute):
    """Checks the key and the rate of requests before the body is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of the route, with both checks before it."""
        handle = super().get_route_handler()

        async def check_and_handle(request: Request) -> Response:
            http = http_context(request)
            caller = await http.callers.find(bearer_token(request))
            rate = http.admission.rate(caller)
            if self.endpoint not in _starts:
                _count(request, http, caller, rate)
                return await handle(request)
            try:
                return await handle(request)
            except (Problem, RequestValidationError, HTTPException):
                # The state after a refusal, which counts nothing. A start sets it from what admission wrote.
                request.state.rate = await http.database.read(
                    lambda tx: ledger.start_state(tx, caller.workspace_id, rate)
                )
                raise

        return check_and_handle


def _count(request: Request, http: HttpContext, caller: Caller, starts: Rate) -> None:
    per_minute = http.requests_per_minute or _READS_PER_START * starts.per_minute
    request.state.rate, wait_seconds = http.request_rates.take(caller.workspace_id, Rate(per_minute))
    if wait_seconds:
        raise RateLimited(wait_seconds)


api = APIRouter(prefix="/api/v1", responses=_RESPONSES, route_class=_CheckedRoute)
# Routes outside the versioned API: media links and the health check.
unversioned = APIRouter(include_in_schema=False)
