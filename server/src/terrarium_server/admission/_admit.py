"""Admission of a generation: everything that is checked and written before its run is accepted."""

import hashlib
import statistics
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from terrarium_server import accounts, catalog, runs
from terrarium_server.accounts import Caller
from terrarium_server.catalog import Catalog, ModelCard
from terrarium_server.media import FetchRules
from terrarium_server.rates import Rate, RateState
from terrarium_server.runs import Run
from terrarium_server.store import Transaction

from ._inputs import check_media
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


@dataclass(frozen=True, slots=True)
class Admitted:
    """A run that was started, and what remains of its workspace's rate of starts."""

    run: Run
    rate: RateState


class Admission:
    """Admits runs; ``wake`` is called after each commit, so that a worker need not poll."""

    def __init__(
        self, catalog: Catalog, starts_per_minute: int, fetch_rules: FetchRules, wake: Callable[[], None]
    ) -> None:
        """Use this catalogue, this rate for workspaces without one, and these rules for media links."""
        self.catalog = catalog
        self._starts_per_minute = starts_per_minute
        self._fetch_rules = fetch_rules
        self._wake = wake
        self._timings: dict[str, tuple[float, int]] = {}

    def rate(self, caller: Caller) -> Rate:
        """Return how many runs the caller's workspace may start per minute."""
        return Rate(caller.rate_limit or self._starts_per_minute)

    def admit(self, tx: Transaction, caller: Caller, request: GenerationRequest, run_id: str) -> Admitted:
        """Start a run under this new id, or refuse it; after a refusal the transaction must be rolled back.

        Raises Forbidden, NotFound, InvalidInput, RateLimited or InsufficientCredits.
        """
        self._check_target(caller, request)
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
            requested_model=request.model_id if request.model_id != card.id else None,
        )
        if caller.has_spending_cap:
            # Before the cap is checked, as it is before the credits: more money would not help.
            accounts.find_project(tx, caller.workspace_id, request.project_id)
            accounts.spend(tx, caller.key_id, estimate.quote_micros)
        rate = write(tx, run, self.rate(caller))
        tx.after_commit(self._wake)
        return Admitted(run, rate)

    def estimate(self, tx: Transaction, caller: Caller, request: GenerationRequest) -> Estimate:
        """Return what `admit` would hold for this request; spends and records nothing.

        Raises what `admit` raises for the same request, except for credits and rate.
        """
        self._check_target(caller, request)
        accounts.find_project(tx, caller.workspace_id, request.project_id)
        return self._estimate(tx, request)

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
        params = catalog.check_params(card, request.params, prompt=request.prompt)
        check_media(tx, request.workspace_id, card, params, self._fetch_rules)
        return Estimate(card, params, self.catalog.quote_micros(card, params), self.seconds(tx, card))


def _seed(params: dict[str, Any], run_id: str) -> int:
    """The caller's seed, or one of 48 bits derived from the run id, so that every attempt uses the same."""
    seed = params.get("seed")
    return seed if isinstance(seed, int) else int.from_bytes(hashlib.sha256(run_id.encode()).digest()[:6])
