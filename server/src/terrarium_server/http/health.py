"""Whether runs are accepted."""

from typing import cast

from fastapi import Request
from fastapi.responses import JSONResponse

from ._api import plain
from ._door import Door


@plain.get("/healthz")
async def healthz(request: Request) -> JSONResponse:
    """Answer 200 once runs are accepted, 503 before."""
    ready = cast(Door, request.app.state.door).is_ready()
    return JSONResponse({"status": "ok" if ready else "starting"}, 200 if ready else 503)
