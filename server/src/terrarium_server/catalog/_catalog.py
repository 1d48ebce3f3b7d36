from collections.abc import Iterable
from pathlib import Path

from terrarium_server.problems import InvalidInput

from ._cards import CardError, ModelCard, read_card

_SHIPPED = Path(__file__).parent / "cards"


class Catalog:
    """The models of this server, by id; the card with the highest rank of a type is its default."""

    def __init__(self, cards: Iterable[ModelCard], *, price_scale: float = 1.0) -> None:
        """Take the cards as they are; prices are multiplied by ``price_scale``."""
        self.price_scale = price_scale
        self._cards = {card.id: card for card in cards}

    def list(self, type: str | None = None) -> list[ModelCard]:
        """Return all cards, or those of one type, by id."""
        cards = sorted(self._cards.values(), key=lambda card: card.id)
        return [card for card in cards if type is None or card.type == type]

    def get(self, model_id: str) -> ModelCard | None:
        """Return a card by id, if the server still has it."""
        return self._cards.get(model_id)

    def choose(self, type: str, model_id: str | None) -> ModelCard:
        """Return the named model, or the default of the type.

        Raises InvalidInput: for an unknown or mistyped model (the message lists the usable ids), or
        when the server has no model of that type.
        """
        usable = self.list(type)
        if not usable:
            types = ", ".join(sorted({card.type for card in self._cards.values()}))
            raise InvalidInput.one(
                "type", f"No model of type {type} is set up here; available types: {types}"
            )
        if model_id is None:
            return max(usable, key=lambda card: card.default_rank)
        names = ", ".join(card.id for card in usable)
        card = self._cards.get(model_id)
        if card is None:
            raise InvalidInput.one("model", f"Unknown model; models of type {type}: {names}")
        if card.type != type:
            raise InvalidInput.one("model", f"{card.id} makes {card.type}; models of type {type}: {names}")
        return card

    def quote_micros(self, card: ModelCard, params: dict[str, object]) -> int:
        """Return the price of a run in micro-USD, after the owner's scale."""
        return card.quote_micros(params, self.price_scale)


def load_catalog(owner_folder: Path | None = None, *, price_scale: float = 1.0) -> Catalog:
    """Read the shipped cards and the owner's, which win over shipped ones of the same id.

    Raises CardError if one of them is wrong.
    """
    paths = sorted(_SHIPPED.glob("*.toml"))
    if owner_folder is not None:
        if not owner_folder.is_dir():
            raise CardError(f"{owner_folder}: not a folder; set TERRARIUM_CARDS_DIR to one with *.toml files")
        paths = sorted(owner_folder.glob("*.toml")) + paths
    cards: dict[str, ModelCard] = {}
    for path in paths:
        card = read_card(path)
        cards.setdefault(card.id, card)
    return Catalog(cards.values(), price_scale=price_scale)
