"""Admission of generations: everything that is checked and written before a run is accepted."""

import hashlib
import math
import statistics
import time
import uuid
from dataclasses import replace
from typing import Any

from terrarium_server import accounts, catalog, ids, runs
from terrarium_server.accounts import Caller
from terrarium_server.catalog import Catalog, ModelCard
from terrarium_server.media import FetchRules
from terrarium_server.problems import FieldProblem, InvalidInput
from terrarium_server.rates import Rate
from terrarium_server.runs import Edge, Run
from terrarium_server.store import Transaction

from ._inputs import check_media
from ._requests import Admitted, AdmittedGraph, Changes, Estimate, GenerationRequest, GraphRequest
from ._writes import write, write_graph

_TIMED_RUNS = 20
_TIMING_SECONDS = 5.0


class Admission:
    """Admits runs."""

    def __init__(self, catalog: Catalog, starts_per_minute: int, fetch_rules: FetchRules) -> None:
        """Use this catalogue, this rate for workspaces without one, and these rules for media links."""
        self.catalog = catalog
        self._starts_per_minute = starts_per_minute
        self._fetch_rules = fetch_rules
        self._timings: dict[str, tuple[float, int]] = {}

    def rate(self, caller: Caller) -> Rate:
        """Return how many runs the caller's workspace may start per minute."""
        return Rate(caller.rate_limit or self._starts_per_minute)

    def admit(self, tx: Transaction, caller: Caller, request: GenerationRequest, run_id: str) -> Admitted:
        """Start a run under this new id, or refuse it; after a refusal the transaction must be rolled back.

        Raises Forbidden, NotFound, InvalidInput, RateLimited or InsufficientCredits.
        """
        _check_target(caller, request.workspace_id)
        run = _new_run(tx, caller, request, self._estimate(tx, request), run_id)
        _spend(tx, caller, request.project_id, run.held_micros)
        return Admitted(run, write(tx, run, self.rate(caller)))

    def admit_graph(
        self, tx: Transaction, caller: Caller, request: GraphRequest, root_run_id: str
    ) -> AdmittedGraph:
        """Start a graph of runs under this new id of its root, or refuse all of it, as `admit` does.

        Raises InvalidInput naming every invalid start, as ``starts[i]``.
        """
        _check_target(caller, request.workspace_id)
        rate = self.rate(caller)
        if len(request.starts) > rate.per_minute:
            message = (
                f"{len(request.starts)} runs are more than the {rate.per_minute} that this workspace may "
                "start per minute"
            )
            raise InvalidInput.one("starts", message)
        estimates = self._estimate_all(tx, request)
        member_ids = ids.mint_ascending("run", len(estimates), now_ms=tx.now_ms)
        members = [
            _new_run(tx, caller, start, estimate, run_id)
            for start, estimate, run_id in zip(request.starts, estimates, member_ids, strict=True)
        ]
        root = _new_root(tx, caller, request, members, root_run_id)
        edges = [
            Edge(member_ids[edge.earlier], member_ids[edge.later], edge.slot, edge.on_failure)
            for edge in request.edges
        ]
        members = _joined(root, members, edges)
        _spend(tx, caller, request.project_id, root.held_micros)
        return AdmittedGraph(root, members, write_graph(tx, root, members, edges, rate))

    def repeat(self, run: Run, changes: Changes) -> GenerationRequest:
        """Return the request that starts a generation again, with the same seed unless it is changed.

        Another model gets those of the parameters that it has. Raises InvalidInput for an unknown model.
        """
        assert run.project_id is not None
        params = run.input
        if changes.model_id is not None:
            card = self.catalog.choose(run.type, changes.model_id)
            params = {param.name: params[param.name] for param in card.params if param.name in params}
        params = {**params, **changes.params}
        return GenerationRequest(
            workspace_id=run.workspace_id,
            project_id=run.project_id,
            type=run.type,
            prompt=changes.prompt or run.prompt or "",
            model_id=changes.model_id or self._model_of(run),
            # Other nulls are kept, so that an unknown name is refused. Every run has a seed.
            params={name: value for name, value in params.items() if (name, value) != ("seed", None)},
            priority=-run.rank if changes.priority is None else changes.priority,
            seed=None if "seed" in changes.params else run.seed,
        )

    def _model_of(self, run: Run) -> str:
        """The id that was requested, if it still stands for the run's model, else the model's own id."""
        if run.requested_model is not None:
            card = self.catalog.find(run.type, run.requested_model)
            if card is not None and card.id == run.subject:
                return run.requested_model
        return run.subject

    def repeat_graph(self, tx: Transaction, root: Run, changes: Changes) -> GraphRequest:
        """Return the request that starts a batch again. Raises InvalidInput for changes of single runs."""
        assert root.project_id is not None
        changed = {"prompt": changes.prompt, "model": changes.model_id, "params": changes.params}
        problems = [
            FieldProblem(name, "Cannot be changed for a whole batch; start its runs again one by one")
            for name, value in changed.items()
            if value
        ]
        if problems:
            raise InvalidInput(problems)
        members = runs.read_members(tx, root.run_id)
        return GraphRequest(
            workspace_id=root.workspace_id,
            project_id=root.project_id,
            starts=[self.repeat(run, changes) for run in members],
            max_parallel=root.max_parallel,
        )

    def estimate(self, tx: Transaction, caller: Caller, request: GenerationRequest) -> Estimate:
        """Return what `admit` would hold for this request; spends and records nothing.

        Raises what `admit` raises for the same request, except for credits and rate.
        """
        _check_target(caller, request.workspace_id)
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

    def _estimate(self, tx: Transaction, request: GenerationRequest) -> Estimate:
        card = self.catalog.choose(request.type, request.model_id)
        params = catalog.check_params(card, request.params, prompt=request.prompt)
        check_media(tx, request.workspace_id, card, params, self._fetch_rules)
        return Estimate(card, params, self.catalog.quote_micros(card, params), self.seconds(tx, card))

    def _estimate_all(self, tx: Transaction, request: GraphRequest) -> list[Estimate]:
        estimates: list[Estimate] = []
        problems: list[FieldProblem] = []
        for number, start in enumerate(request.starts):
            try:
                estimates.append(self._estimate(tx, start))
            except InvalidInput as invalid:
                problems += [
                    FieldProblem(f"starts[{number}].{field.field}", field.message) for field in invalid.fields
                ]
        if problems:
            raise InvalidInput(problems)
        return estimates


def _check_target(caller: Caller, workspace_id: str) -> None:
    caller.require_workspace(workspace_id)
    caller.require_editor()


def _spend(tx: Transaction, caller: Caller, project_id: str, micros: int) -> None:
    if caller.has_spending_cap:
        # Before the cap is checked, as it is before the credits: more money would not help.
        accounts.find_project(tx, caller.workspace_id, project_id)
        accounts.spend(tx, caller.key_id, micros)


def _new_run(
    tx: Transaction, caller: Caller, request: GenerationRequest, estimate: Estimate, run_id: str
) -> Run:
    card = estimate.card
    priority = request.priority if caller.max_priority is None else min(request.priority, caller.max_priority)
    return runs.new_run(
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
        seed=_seed(request, estimate.params, run_id),
        held_micros=estimate.quote_micros,
        actor=f"key:{caller.key_id}",
        estimated_seconds=estimate.seconds,
        created_at=tx.now_ms,
        requested_model=request.model_id if request.model_id != card.id else None,
        rank=-priority,
    )


def _new_root(tx: Transaction, caller: Caller, request: GraphRequest, members: list[Run], run_id: str) -> Run:
    seconds = [run.estimated_seconds or 0 for run in members]
    root = runs.new_run(
        run_id=run_id,
        workspace_id=caller.workspace_id,
        project_id=request.project_id,
        node_id=None,
        run_type="batch",
        type="batch",
        subject="batch",
        subject_version="",
        engine=None,
        prompt=None,
        input={},
        seed=0,
        held_micros=sum(run.held_micros for run in members),
        actor=f"key:{caller.key_id}",
        # If all that may run at a time do.
        estimated_seconds=max(*seconds, math.ceil(sum(seconds) / (request.max_parallel or len(seconds)))),
        created_at=tx.now_ms,
        rank=members[0].rank,
    )
    return replace(
        root,
        state="running",
        waits_for=len(members),
        unallotted_micros=0,
        is_listed=0,
        max_parallel=request.max_parallel,
    )


def _joined(root: Run, members: list[Run], edges: list[Edge]) -> list[Run]:
    """Make runs the members of a graph: the root holds their credits, and they wait for each other."""
    joined: list[Run] = []
    free = root.max_parallel if root.max_parallel is not None else len(members)
    for number, run in enumerate(members):
        waits_for = sum(edge.to_run_id == run.run_id for edge in edges)
        is_ready = waits_for == 0 and free > 0
        free -= is_ready
        is_gated = root.max_parallel is not None and not is_ready
        joined.append(
            replace(
                run,
                root_run_id=root.run_id,
                parent_run_id=root.run_id,
                step_path=f"starts[{number}]",
                held_micros=0,
                budget_micros=run.held_micros,
                waits_for=waits_for + is_gated,
                is_gated=int(is_gated),
            )
        )
    return joined


def _seed(request: GenerationRequest, params: dict[str, Any], run_id: str) -> int:
    """The caller's seed, or one of 48 bits derived from the run id, so that every attempt uses the same."""
    seed = params.get("seed", request.seed)
    return seed if isinstance(seed, int) else int.from_bytes(hashlib.sha256(run_id.encode()).digest()[:6])
