"""The model catalogue."""

from typing import Annotated, Literal

from fastapi import Query
from fastapi.responses import Response

from terrarium_server import wire
from terrarium_server.accounts import Caller
from terrarium_server.store import Transaction

from ._api import api
from ._context import Authenticated


@api.get("/models", tags=["models"], operation_id="models_list", response_model=wire.ModelList)
async def list_models(
    context: Authenticated,
    type: Annotated[Literal["", "image", "video", "audio", "text"] | None, Query()] = None,
    all: Annotated[
        bool, Query(description="Ours: also those that cannot be used now, with what is missing.")
    ] = False,
) -> Response:
    """List the models of this server with the parameters they take."""
    http = context.http

    def work(tx: Transaction, _caller: Caller) -> bytes:
        return http.model_lists.body(
            type or None, everything=all, seconds_of=lambda card: http.admission.seconds(tx, card)
        )

    return Response(await context.read(work), media_type="application/json")
