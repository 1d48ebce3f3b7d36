"""The answers to ``GET /models``, each kept until something in it changes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from terrarium_server import wire
from terrarium_server.catalog import Catalog, ModelCard, Usable

from . import present


@dataclass(frozen=True, slots=True)
class _Kept:
    usable: Usable
    seconds: list[int]
    body: bytes


class ModelLists:
    """The lists of models as JSON, by type and by whether unusable models are in it too."""

    def __init__(self, catalog: Catalog) -> None:
        """Show this catalogue."""
        self._catalog = catalog
        self._kept: dict[tuple[str | None, bool], _Kept] = {}

    def body(self, type: str | None, *, everything: bool, seconds_of: Callable[[ModelCard], int]) -> bytes:
        """Return the models that can be used now, or all; ``seconds_of`` returns how long a run takes.

        Safe to call from any thread.
        """
        usable = self._catalog.usable()
        listed = [card for card in self._catalog.cards(type) if everything or card.id not in usable.problems]
        seconds = [seconds_of(card) for card in listed]
        kept = self._kept.get((type, everything))
        if kept is None or kept.usable is not usable or kept.seconds != seconds:
            models = [self._show(card, usable, each) for card, each in zip(listed, seconds, strict=True)]
            body = wire.ModelList(models=models).model_dump_json().encode()
            kept = self._kept[type, everything] = _Kept(usable, seconds, body)
        return kept.body

    def _show(self, card: ModelCard, usable: Usable, seconds: int) -> wire.Model:
        defaults: dict[str, Any] = {param.name: param.default for param in card.params}
        price = self._catalog.quote_micros(card, defaults)
        aliases = self._catalog.aliases_of(card)
        return present.model(card, price, seconds, aliases, usable.problems.get(card.id))
