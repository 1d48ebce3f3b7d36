"""Admission of a generation: everything that is checked and written before its run is accepted."""

import hashlib
import statistics
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from terrarium_server import accounts, catalog, ids, runs
from terrarium_server.accounts import Caller
from terrarium_server.catalog import Catalog, ModelCard
from terrarium_server.media import FetchRules
from terrarium_server.runs import Run
from terrarium_server.store import Transaction

from ._idempotency import claim, forget_expired
from ._inputs import check_media
from ._rate import RateLimits
from ._writes import write

_TIMED_RUNS = 20
_TIMING_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """A generation to start; the ids have the right form already."""

    workspace_id: str
    project_id: str
    type: str
    prompt: str
    model_id: str | None
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a request would hold (micro-USD) and about how many seconds its run would take."""

    card: ModelCard
    params: dict[str, Any]
    quote_micros: int
    seconds: int


class Admission:
    """Admits runs; ``wake`` is called after each commit, so that a worker need not poll."""

    def __init__(
        self, catalog: Catalog, rates: RateLimits, fetch_rules: FetchRules, wake: Callable[[], None]
    ) -> None:
        """Use this catalogue, these rate limits and these rules for media links."""
        self.catalog = catalog
        self.rates = rates
        self._fetch_rules = fetch_rules
        self._wake = wake
        self._timings: dict[str, tuple[float, int]] = {}

    def admit(
        self, tx: Transaction, caller: Caller, request: GenerationRequest, idempotency_key: str | None
    ) -> Run:
        """Start a run, or refuse it and write nothing.

        Raises Forbidden, NotFound, DuplicateKey, RateLimited, InvalidInput or InsufficientCredits.
        """
        run_id = ids.mint("run", now_ms=tx.now_ms)
        self._check_target(caller, request)
        if idempotency_key is not None:
            claim(tx, caller.workspace_id, "generation", idempotency_key, run_id)
        self.rates.hit(caller.workspace_id, caller.rate_limit)
        estimate = self._estimate(tx, request)
        card = estimate.card
        run = runs.new_run(
            run_id=run_id,
            workspace_id=caller.workspace_id,
            project_id=request.project_id,
            node_id=str(uuid.uuid4()),
            run_type="generation",
            type=request.type,
            subject=card.id,
            subject_version=card.version,
            engine=card.engine,
            prompt=request.prompt,
            input=estimate.params,
            seed=_seed(estimate.params, run_id),
            held_micros=estimate.quote_micros,
            actor=f"key:{caller.key_id}",
            estimated_seconds=estimate.seconds,
            created_at=tx.now_ms,
        )
        if caller.has_spending_cap:
            accounts.spend(tx, caller.key_id, estimate.quote_micros)
        write(tx, run)
        tx.after_commit(self._wake)
        return run

    def estimate(self, tx: Transaction, caller: Caller, request: GenerationRequest) -> Estimate:
        """Return what `admit` would hold for this request; spends and records nothing.

        Raises what `admit` raises for the same request, except for credits, rate and idempotency.
        """
        self._check_target(caller, request)
        accounts.find_project(tx, caller.workspace_id, request.project_id)
        return self._estimate(tx, request)

    def forget_expired(self, tx: Transaction) -> None:
        """Delete expired idempotency keys; a worker calls this from time to time."""
        forget_expired(tx)

    def seconds(self, tx: Transaction, card: ModelCard) -> int:
        """Return about how long a run of this model takes: the median of the latest ones, in seconds."""
        cached = self._timings.get(card.id)
        now = time.monotonic()
        if cached is not None and now - cached[0] < _TIMING_SECONDS:
            return cached[1]
        durations = runs.recent_durations(tx, card.id, _TIMED_RUNS)
        seconds = round(statistics.median(durations) / 1000) if durations else card.estimated_seconds
        self._timings[card.id] = (now, seconds)
        return seconds

    def _check_target(self, caller: Caller, request: GenerationRequest) -> None:
        caller.require_workspace(request.workspace_id)
        caller.require_editor()

    def _estimate(self, tx: Transaction, request: GenerationRequest) -> Estimate:
        card = self.catalog.choose(request.type, request.model_id)
        params = catalog.check_params(card, request.params)
        check_media(tx, request.workspace_id, card, params, self._fetch_rules)
        return Estimate(card, params, self.catalog.quote_micros(card, params), self.seconds(tx, card))


def _seed(params: dict[str, Any], run_id: str) -> int:
    """The caller's seed, or one of 48 bits derived from the run id, so that every attempt uses the same."""
    seed = params.get("seed")
    return seed if isinstance(seed, int) else int.from_bytes(hashlib.sha256(run_id.encode()).digest()[:6])
