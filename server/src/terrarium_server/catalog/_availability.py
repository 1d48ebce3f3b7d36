"""Which models can be used now."""

import logging
import time
from pathlib import Path

from terrarium_server.distributions import FAILURES, cause_of
from terrarium_server.engines.registry import Engines

from ._cards import ModelCard
from ._weights import find_weights

_log = logging.getLogger(__name__)

# Long enough to spare most requests the check, short enough to notice a pull soon.
_CACHE_SECONDS = 2.0


class Availability:
    """Tells whether a model can be used now: its engine is set up, and its weights are on this machine."""

    def __init__(self, engines: Engines, weights: Path) -> None:
        """Check these engines, and look for weights in this folder."""
        self._engines = engines
        self._weights = weights
        self._cache: dict[str, tuple[float, str | None]] = {}
        self._logged: set[str] = set()

    def problem_of(self, card: ModelCard) -> str | None:
        """Return why a model cannot be used and what to do about it, or None."""
        now = time.monotonic()
        cached = self._cache.get(card.id)
        if cached is None or now - cached[0] > _CACHE_SECONDS:
            cached = self._cache[card.id] = (now, self._check(card))
        return cached[1]

    def _check(self, card: ModelCard) -> str | None:
        engine = self._engines.get(card.engine)
        if engine is None:
            return self._engines.why_missing(card.engine)
        needed = card.weights is not None and not card.weights.optional
        if needed and find_weights(card, self._weights) is None:
            return f"its weights are not on this machine; fetch them with: terrarium models pull {card.id}"
        try:
            return engine.problem(card.options)
        except FAILURES as error:
            if card.id not in self._logged:
                self._logged.add(card.id)
                _log.exception("engine %s failed to check model %s", card.engine, card.id)
            return f"engine {card.engine} failed to check it ({cause_of(error)}); the server's log says more"
