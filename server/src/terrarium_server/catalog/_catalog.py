"""The catalogue: all models of this server, by id, type and default."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from terrarium_server import INSTALL_POCKET
from terrarium_server.problems import InvalidInput

from ._aliases import Aliases
from ._cards import CardError, ModelCard, read_card
from ._installed import installed_cards

NO_MODELS = (
    f"no model can be used on this server yet: its owner can install the small ones ({INSTALL_POCKET}) and "
    "restart it, or add an [[engine]] to terrarium.toml"
)

_NO_PROBLEMS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Usable:
    """Which models can be used now: ``problems`` says why the others cannot, by id.

    ``cards`` and ``defaults`` are by type: all usable ones by id, and the one with the highest rank.
    """

    problems: Mapping[str, str]
    cards: Mapping[str, tuple[ModelCard, ...]]
    defaults: Mapping[str, ModelCard]


class Catalog:
    """The models of this server, by id.

    The default of a type is the owner's choice in ``defaults``, else the usable model with the highest rank.
    A model that an alias hides is not listed, but is still returned by id, because runs may name it.
    """

    def __init__(
        self,
        cards: Iterable[ModelCard],
        *,
        price_scale: float = 1.0,
        defaults: Mapping[str, str] | None = None,
        aliases: Mapping[str, str] | None = None,
        problems: Callable[[], Mapping[str, str]] = lambda: _NO_PROBLEMS,
    ) -> None:
        """``price_scale`` multiplies the cards' prices; ``aliases`` maps published ids to ids of cards.

        ``problems`` returns why models cannot be used now, the same object as long as nothing changes.
        """
        self.price_scale = price_scale
        self._problems = problems
        self._defaults = dict(defaults or {})
        self._by_id = {card.id: card for card in sorted(cards, key=lambda card: card.id)}
        self._aliases = Aliases(aliases or {}, self._by_id)
        self._listed = tuple(card for card in self._by_id.values() if self._aliases.exact(card.id) is None)
        types = sorted({card.type for card in self._listed})
        self._by_type = {type: tuple(card for card in self._listed if card.type == type) for type in types}
        self._usable = self._use(problems())

    def usable(self) -> Usable:
        """Return which models can be used now; the same object as long as nothing changes."""
        problems = self._problems()
        if problems is not self._usable.problems:
            self._usable = self._use(problems)
        return self._usable

    def _use(self, problems: Mapping[str, str]) -> Usable:
        usable = {
            type: tuple(card for card in cards if card.id not in problems)
            for type, cards in self._by_type.items()
        }
        usable = {type: cards for type, cards in usable.items() if cards}
        defaults = {type: max(cards, key=lambda card: card.default_rank) for type, cards in usable.items()}
        return Usable(problems, usable, defaults)

    def problem_of(self, card: ModelCard) -> str | None:
        """Return why a model cannot be used now and what to do about it, or None."""
        return self.usable().problems.get(card.id)

    def available(self, type: str | None = None) -> tuple[ModelCard, ...]:
        """Return all listed models that can be used now, or those of one type, by id."""
        usable = self.usable()
        if type is not None:
            return usable.cards.get(type, ())
        return tuple(card for card in self._listed if card.id not in usable.problems)

    def cards(self, type: str | None = None) -> tuple[ModelCard, ...]:
        """Return all listed models, or those of one type, by id."""
        return self._listed if type is None else self._by_type.get(type, ())

    def get(self, model_id: str) -> ModelCard | None:
        """Return a model by its own id, if the server still has it."""
        return self._by_id.get(model_id)

    def aliases_of(self, card: ModelCard) -> list[str]:
        """Return the published ids and patterns that a model stands for."""
        return self._aliases.of(card.id)

    def find(self, type: str, model_id: str) -> ModelCard | None:
        """Return the model of this id or the one that stands for it, also if it cannot be used now."""
        aliases = self._aliases
        return aliases.exact(model_id) or self._by_id.get(model_id) or aliases.matching(type, model_id)

    def choose(self, type: str, model_id: str | None) -> ModelCard:
        """Return the named model, the one that stands for this id, or the default of the type.

        Raises InvalidInput: for an unknown, mistyped or unusable model (the message lists the usable
        ids), or when the server has no model of that type.
        """
        usable = self.usable()
        wanted = model_id if model_id is not None else self._defaults.get(type)
        if wanted is None:
            return usable.defaults.get(type) or _refuse_type(type, usable)
        card = self.find(type, wanted)
        if card is None or card.type != type:
            cards = usable.cards.get(type) or _refuse_type(type, usable)
            problem = "Unknown model" if card is None else f"{card.id} makes {card.type}"
            names = ", ".join(card.id for card in cards)
            raise InvalidInput.one("model", f"{problem}; models of type {type}: {names}")
        problem = usable.problems.get(card.id)
        if problem is not None:
            raise InvalidInput.one("model", f"{card.id} cannot be used here now: {problem}")
        return card

    def quote_micros(self, card: ModelCard, params: dict[str, object]) -> int:
        """Return the price of a run in micro-USD, after the owner's scale."""
        return card.quote_micros(params, self.price_scale)


def _refuse_type(type: str, usable: Usable) -> NoReturn:
    types = ", ".join(sorted(usable.cards))
    others = f"available types: {types}" if types else NO_MODELS
    raise InvalidInput.one("type", f"No model of type {type} is set up here; {others}")


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
