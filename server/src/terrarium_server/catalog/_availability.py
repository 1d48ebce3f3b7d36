import time
from pathlib import Path

from terrarium_server.engines import Engines

from ._cards import ModelCard
from ._weights import find_weights

# Long enough to keep it out of the way of every request, short enough that a pull is noticed at once.
_REMEMBER_SECONDS = 2.0


class Availability:
    """Says whether a model can be used now: its engine is set up, and its weights are here."""

    def __init__(self, engines: Engines, weights: Path) -> None:
        """Ask these engines, and look for weights in this folder."""
        self._engines = engines
        self._weights = weights
        self._known: dict[str, tuple[float, str | None]] = {}

    def problem_of(self, card: ModelCard) -> str | None:
        """Return why it cannot be used and what to do about it, or None."""
        now = time.monotonic()
        known = self._known.get(card.id)
        if known is None or now - known[0] > _REMEMBER_SECONDS:
            known = self._known[card.id] = (now, self._look(card))
        return known[1]

    def _look(self, card: ModelCard) -> str | None:
        engine = self._engines.get(card.engine)
        if engine is None:
            return f"no engine named {card.engine} is set up; add it as an [[engine]] to terrarium.toml"
        needed = card.weights is not None and not card.weights.optional
        if needed and find_weights(card, self._weights) is None:
            return f"its weights are not on this machine; fetch them with: terrarium models pull {card.id}"
        return engine.problem(card.options)
