"""The router of the API with the refusals that every route declares, and that of the other routes.

There is one flat router, because every level of included routers is searched again for every request.
"""

from typing import Any

from fastapi import APIRouter

from terrarium_server import wire

_REFUSALS = {
    400: "Invalid input or invalid JSON",
    401: "No API key, or an invalid one",
    402: "Insufficient credits",
    403: "The key's role does not allow this",
    404: "Not found in this workspace",
    409: "The idempotency key is in use; `location` names the run that holds it",
    413: "The body is too large",
    429: "Rate limit exceeded; see `retry-after`",
    500: "Something went wrong here; quote the `request-id`",
}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"description": description, "model": wire.ErrorEnvelope}
    for status, description in _REFUSALS.items()
}

api = APIRouter(prefix="/api/v1", responses=_RESPONSES)
# Routes outside the versioned API: media links and the health check.
unversioned = APIRouter(include_in_schema=False)
