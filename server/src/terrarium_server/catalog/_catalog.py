"""The catalogue: all models of this server, by id, type and default."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from terrarium_server import INSTALL_POCKET
from terrarium_server.problems import InvalidInput

from ._cards import CardError, ModelCard, read_card
from ._installed import installed_cards

NO_MODELS = (
    f"no model can be used on this server yet: its owner can install the small ones ({INSTALL_POCKET}) and "
    "restart it, or add an [[engine]] to terrarium.toml"
)


def _always_available(_card: ModelCard) -> str | None:
    return None


class Catalog:
    """The models of this server, by id.

    ``problem_of`` returns why a model cannot be used now and what to do about it, or None. The default of a
    type is the owner's choice in ``defaults``, else the usable model with the highest rank.
    """

    def __init__(
        self,
        cards: Iterable[ModelCard],
        *,
        price_scale: float = 1.0,
        defaults: Mapping[str, str] | None = None,
        problem_of: Callable[[ModelCard], str | None] = _always_available,
    ) -> None:
        """``price_scale`` multiplies the cards' prices."""
        self.price_scale = price_scale
        self.problem_of = problem_of
        self._defaults = dict(defaults or {})
        self._cards = {card.id: card for card in cards}

    def available(self, type: str | None = None) -> list[ModelCard]:
        """Return all cards that can be used now, or those of one type, by id."""
        return [card for card in self.cards(type) if self.problem_of(card) is None]

    def cards(self, type: str | None = None) -> list[ModelCard]:
        """Return all cards, or those of one type, by id."""
        cards = sorted(self._cards.values(), key=lambda card: card.id)
        return [card for card in cards if type is None or card.type == type]

    def get(self, model_id: str) -> ModelCard | None:
        """Return a card by id, if the server still has it."""
        return self._cards.get(model_id)

    def choose(self, type: str, model_id: str | None) -> ModelCard:
        """Return the named model, or the default of the type.

        Raises InvalidInput: for an unknown, mistyped or unusable model (the message lists the usable
        ids), or when the server has no model of that type.
        """
        wanted = model_id if model_id is not None else self._defaults.get(type)
        if wanted is None:
            usable = self._usable(type)
            return max(usable, key=lambda card: card.default_rank)
        card = self._cards.get(wanted)
        if card is None or card.type != type:
            names = ", ".join(card.id for card in self._usable(type))
            problem = "Unknown model" if card is None else f"{card.id} makes {card.type}"
            raise InvalidInput.one("model", f"{problem}; models of type {type}: {names}")
        problem = self.problem_of(card)
        if problem is not None:
            raise InvalidInput.one("model", f"{card.id} cannot be used here now: {problem}")
        return card

    def _usable(self, type: str) -> list[ModelCard]:
        usable = self.available(type)
        if not usable:
            types = ", ".join(sorted({card.type for card in self.available()}))
            others = f"available types: {types}" if types else NO_MODELS
            raise InvalidInput.one("type", f"No model of type {type} is set up here; {others}")
        return usable

    def quote_micros(self, card: ModelCard, params: dict[str, object]) -> int:
        """Return the price of a run in micro-USD, after the owner's scale."""
        return card.quote_micros(params, self.price_scale)


def load_cards(*owner_folders: Path | None) -> list[ModelCard]:
    """Read the installed cards and the owner's, which win over installed ones of the same id.

    Raises CardError if one of the owner's is wrong. Installed ones that are wrong are logged and left out.
    """
    owned: dict[str, ModelCard] = {}
    for folder in owner_folders:
        if folder is not None:
            if not folder.is_dir():
                raise CardError(f"{folder}: not a folder; name one with *.toml files (TERRARIUM_CARDS_DIR)")
            # The folder that is named last wins.
            owned |= {card.id: card for card in map(read_card, sorted(folder.glob("*.toml"), reverse=True))}
    return list((installed_cards() | owned).values())
