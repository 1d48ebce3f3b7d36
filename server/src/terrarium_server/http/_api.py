"""The one router of the API, and what every route of it declares.

One flat router, because each level of included routers is searched again for every request.
"""

from typing import Any

from fastapi import APIRouter

from terrarium_server import wire

_REFUSALS = {
    400: "Invalid input or invalid JSON",
    401: "No key, or not a good one",
    402: "Insufficient credits",
    403: "The key's role does not allow this",
    404: "No such thing in this workspace",
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
plain = APIRouter(include_in_schema=False)
