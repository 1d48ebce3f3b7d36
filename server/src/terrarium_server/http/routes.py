"""All routes, and what every one of them declares."""

from typing import Any

from fastapi import APIRouter

from terrarium_server import wire

from . import generations, health, media, models, projects, runs, workspaces

_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"description": "Invalid input or invalid JSON"},
    401: {"description": "No key, or not a good one"},
    402: {"description": "Insufficient credits"},
    403: {"description": "The key's role does not allow this"},
    404: {"description": "No such thing in this workspace"},
    409: {"description": "The idempotency key is in use; `location` names the run that holds it"},
    413: {"description": "The body is too large"},
    429: {"description": "Rate limit exceeded; see `retry-after`"},
    500: {"description": "Something went wrong here; quote the `request-id`"},
}
for _answer in _ERRORS.values():
    _answer["model"] = wire.ErrorEnvelope


def api_router() -> APIRouter:
    """Return everything under ``/api/v1``."""
    router = APIRouter(prefix="/api/v1", responses=_ERRORS)
    for resource in (runs, generations, models, projects, workspaces):
        router.include_router(resource.router)
    return router


def plain_router() -> APIRouter:
    """Return what lies outside the API: media and health."""
    router = APIRouter(include_in_schema=False)
    router.include_router(media.router)
    router.include_router(health.router)
    return router
