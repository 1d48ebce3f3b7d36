"""Published ids that a model of this server stands for."""

from collections.abc import Mapping
from dataclasses import dataclass

from ._cards import ModelCard

# Of a published id, because runs record the one that a pattern stands for.
LONGEST_ALIAS = 200


@dataclass(frozen=True, slots=True)
class _Pattern:
    parts: tuple[str, ...]
    card: ModelCard

    def matches(self, model_id: str) -> bool:
        """Whether ``*`` can stand for the rest of the id."""
        first, *middle, last = self.parts
        end = len(model_id) - len(last)
        if end < len(first) or not (model_id.startswith(first) and model_id.endswith(last)):
            return False
        position = len(first)
        for part in middle:
            found = model_id.find(part, position, end)
            if found < 0:
                return False
            position = found + len(part)
        return True


class Aliases:
    """The owner's ``[aliases]``: published ids, and patterns in which ``*`` stands for any characters.

    An exact id comes before a model card of that id, and a card comes before every pattern. Of the patterns
    whose model makes the requested type, the one with the most characters other than ``*`` is used, and of
    equals the one that the owner wrote first.
    """

    def __init__(self, models: Mapping[str, str], cards: Mapping[str, ModelCard]) -> None:
        """``models`` maps ids and patterns to ids of ``cards``. Raises KeyError for an id without a card."""
        self._exact = {alias: cards[model] for alias, model in models.items() if "*" not in alias}
        patterns = [
            _Pattern(tuple(alias.split("*")), cards[model]) for alias, model in models.items() if "*" in alias
        ]
        self._patterns = sorted(patterns, key=lambda pattern: -sum(map(len, pattern.parts)))
        self._texts: dict[str, list[str]] = {}
        for alias, model in models.items():
            self._texts.setdefault(model, []).append(alias)

    def exact(self, model_id: str) -> ModelCard | None:
        """Return the model that stands for exactly this id, of any type."""
        return self._exact.get(model_id)

    def matching(self, type: str, model_id: str) -> ModelCard | None:
        """Return the model of this type that stands for this id by a pattern.

        There is none for an id of more than 200 characters, or with characters that cannot be shown.
        """
        if len(model_id) > LONGEST_ALIAS or not model_id.isprintable():
            return None
        fitting = (pattern for pattern in self._patterns if pattern.card.type == type)
        return next((pattern.card for pattern in fitting if pattern.matches(model_id)), None)

    def of(self, model_id: str) -> list[str]:
        """Return the ids and patterns that this model stands for, as the owner wrote them."""
        return self._texts.get(model_id, [])
