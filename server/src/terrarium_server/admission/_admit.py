import statistics
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from terrarium_server import accounts, catalog, ids, ledger, runs
from terrarium_server.accounts import Caller
from terrarium_server.catalog import Catalog, ModelCard
from terrarium_server.runs import Run, RunOutcome
from terrarium_server.store import Transaction

from ._idempotency import claim, forget_expired
from ._inputs import check_media
from ._rate import RateLimits
from ._writes import write

_TIMED_RUNS = 20
_TIMING_SECONDS = 5.0
_CANCELLED = RunOutcome("GENERATION_CANCELLED", "The run was cancelled; nothing was charged.")


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """What a caller wants made; ids are checked for their shape already."""

    workspace_id: str
    project_id: str
    type: str
    prompt: str
    model_id: str | None
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a request would hold (micro-USD) and about how many seconds it would take."""

    card: ModelCard
    params: dict[str, Any]
    quote_micros: int
    seconds: int


class Admission:
    """Admits runs; ``ring`` is called after each commit so that a worker need not poll."""

    def __init__(self, catalog: Catalog, rates: RateLimits, ring: Callable[[], None]) -> None:
        """Take what admission decides by."""
        self.catalog = catalog
        self.rates = rates
        self._ring = ring
        self._timings: dict[str, tuple[float, int]] = {}

    def admit(
        self, tx: Transaction, caller: Caller, request: GenerationRequest, idempotency_key: str | None
    ) -> Run:
        """Start a run, or refuse it and leave nothing behind.

        Raises Forbidden, NotFound, DuplicateKey, RateLimited, InvalidInput or InsufficientCredits.
        """
        run_id = ids.mint("run", now_ms=tx.now_ms)
        self._check_target(caller, request)
        if idempotency_key is not None:
            claim(tx, caller.workspace_id, "generation", idempotency_key, run_id)
        self.rates.hit(caller.workspace_id, caller.rate_limit)
        estimate = self._estimate(tx, request)
        run = Run(
            run_id=run_id,
            workspace_id=caller.workspace_id,
            project_id=request.project_id,
            key_id=caller.key_id,
            kind="generation",
            type=request.type,
            model_id=estimate.card.id,
            prompt=request.prompt,
            params=estimate.params,
            node_id=str(uuid.uuid4()),
            state="pending",
            progress=0,
            held_micros=estimate.quote_micros,
            cost_micros=None,
            estimated_seconds=estimate.seconds,
            error_code=None,
            error_message=None,
            preview=None,
            worker_id=None,
            attempts=0,
            created_at=tx.now_ms,
            started_at=None,
            completed_at=None,
        )
        if caller.has_spending_cap:
            accounts.spend(tx, caller.key_id, estimate.quote_micros)
        write(tx, run)
        tx.after_commit(self._ring)
        return run

    def cancel(self, tx: Transaction, caller: Caller, run_id: str) -> Run:
        """End a run and give its hold back; one that is over stays as it is. Returns the run.

        Whoever makes it notices and stops. Raises Forbidden or NotFound.
        """
        caller.require_editor()
        run = runs.find_run(tx, caller.workspace_id, run_id)
        if runs.fail(tx, run_id, _CANCELLED):
            ledger.release(tx, run.workspace_id, run_id, run.held_micros)
            accounts.give_back(tx, run.key_id, run.held_micros)
        return runs.read_run(tx, run_id)

    def estimate(self, tx: Transaction, caller: Caller, request: GenerationRequest) -> Estimate:
        """Say what `admit` would hold for this request; spends and records nothing.

        Raises what `admit` raises for the same request, but for credits, rate and idempotency.
        """
        self._check_target(caller, request)
        accounts.find_project(tx, caller.workspace_id, request.project_id)
        return self._estimate(tx, request)

    def forget_expired(self, tx: Transaction) -> None:
        """Delete what admission no longer needs; a chore for now and then."""
        forget_expired(tx)

    def seconds(self, tx: Transaction, card: ModelCard) -> int:
        """Return about how long a run of this model takes: the median of the last ones, in seconds."""
        known = self._timings.get(card.id)
        now = time.monotonic()
        if known is not None and now - known[0] < _TIMING_SECONDS:
            return known[1]
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
        check_media(tx, request.workspace_id, card, params)
        return Estimate(card, params, self.catalog.quote_micros(card, params), self.seconds(tx, card))
