"""Whether runs are accepted."""

from fastapi import Request
from fastapi.responses import JSONResponse

from ._api import unversioned
from ._context import http_context


@unversioned.get("/healthz")
async def healthz(request: Request) -> JSONResponse:
    """Answer 200 once runs are accepted, 503 before."""
    ready = http_context(request).is_ready()
    return JSONResponse({"status": "ok" if ready else "starting"}, 200 if ready else 503)
