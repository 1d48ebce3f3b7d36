"""The model catalogue."""

from typing import Annotated, Any, Literal

from fastapi import Query

from terrarium_server import wire
from terrarium_server.accounts import Caller
from terrarium_server.store import Transaction

from . import present
from ._api import api
from ._context import Authenticated


@api.get("/models", tags=["models"], operation_id="models_list")
async def list_models(
    context: Authenticated,
    type: Annotated[Literal["", "image", "video", "audio", "text"] | None, Query()] = None,
    all: Annotated[
        bool, Query(description="Ours: also those that cannot be used now, with what is missing.")
    ] = False,
) -> wire.ModelList:
    """List the models of this server with the parameters they take."""
    http = context.http

    def work(tx: Transaction, _caller: Caller) -> list[wire.Model]:
        shown: list[wire.Model] = []
        for card in http.catalog.cards(type or None):
            problem = http.catalog.problem_of(card)
            if problem is not None and not all:
                continue
            defaults: dict[str, Any] = {param.name: param.default for param in card.params}
            price = http.catalog.quote_micros(card, defaults)
            shown.append(present.model(card, price, http.admission.seconds(tx, card), problem))
        return shown

    return wire.ModelList(models=await context.read(work))
