"""Which models can be used now."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from terrarium_server.distributions import FAILURES, cause_of
from terrarium_server.engines.registry import Engines

from ._cards import ModelCard
from ._weights import find_weights

_log = logging.getLogger(__name__)

# Long enough to spare nearly all requests the check, short enough to notice a pull soon.
_FRESH_SECONDS = 2.0


class Availability:
    """Which models can be used now: their engine is set up, and their weights are on this machine.

    All models are checked together, at most once in two seconds, by the caller who finds the last check too
    old; whoever comes meanwhile waits for it, about a millisecond.
    """

    def __init__(
        self,
        cards: Iterable[ModelCard],
        engines: Engines,
        weights: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Check these models and engines, and look for weights in this folder; ``clock`` is in seconds."""
        self._cards = tuple(cards)
        self._engines = engines
        self._weights = weights
        self._clock = clock
        self._lock = threading.Lock()
        self._problems: Mapping[str, str] | None = None
        self._checked_at = 0.0
        self._logged: set[str] = set()

    def problems(self) -> Mapping[str, str]:
        """Return why models cannot be used and what to do about it, by the ids of these models.

        It is the same object as long as nothing changes. Safe to call from any thread.
        """
        problems = self._fresh()
        if problems is not None:
            return problems
        with self._lock:
            problems = self._fresh()
            if problems is None:
                problems = self._problems = self._check_all()
                self._checked_at = self._clock()
        return problems

    def _fresh(self) -> Mapping[str, str] | None:
        return self._problems if self._clock() - self._checked_at <= _FRESH_SECONDS else None

    def _check_all(self) -> Mapping[str, str]:
        checked = ((card.id, self._check(card)) for card in self._cards)
        found = {model: problem for model, problem in checked if problem is not None}
        known = self._problems
        return known if known is not None and found == known else MappingProxyType(found)

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
