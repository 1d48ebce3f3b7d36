"""The router of the API with the refusals that every route declares, and that of the other routes.

There is one flat router, because every level of included routers is searched again for every request.
"""

from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from terrarium_server import accounts, ledger, wire
from terrarium_server.problems import Problem, RateLimited, Unauthorized
from terrarium_server.rates import Rate, RateState
from terrarium_server.store import UNAVAILABLE, Transaction

from ._context import HttpContext, http_context
from .caller import bearer_token

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

# Other requests, and attempts to start a run, for each run that a workspace may start in the same time.
_REQUESTS_PER_START = 10

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
            token = bearer_token(request)
            caller = await http.callers.find(token)
            per_minute = _REQUESTS_PER_START * http.admission.rate(caller).per_minute
            if self.endpoint not in _starts:
                rate = Rate(http.requests_per_minute or per_minute)
                request.state.rate, seconds = http.request_rates.take(caller.workspace_id, "others", rate)
                if seconds:
                    raise RateLimited(seconds)
                return await handle(request)
            try:
                _, seconds = http.request_rates.take(caller.workspace_id, "attempts", Rate(per_minute))
                if seconds:
                    raise RateLimited(seconds)
                return await handle(request)
            except (Problem, RequestValidationError, HTTPException):
                # A refusal counts as no start. After a start, the state is what admission wrote. The refusal
                # is sent without it if the database is away, or the key was revoked meanwhile.
                with suppress(Unauthorized, *UNAVAILABLE):
                    request.state.rate = await http.database.read(lambda tx: _start_state(tx, http, token))
                raise

        return check_and_handle


def _start_state(tx: Transaction, http: HttpContext, token: str) -> RateState:
    # Read anew, because the limit may have changed since the caller was found.
    caller = accounts.authenticate(tx, token)
    return ledger.start_state(tx, caller.workspace_id, http.admission.rate(caller))


api = APIRouter(prefix="/api/v1", responses=_RESPONSES, route_class=_CheckedRoute)
# Routes outside the versioned API: media links and the health check.
unversioned = APIRouter(include_in_schema=False)
