"""What admission is asked for, and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from terrarium_server.catalog import ModelCard
from terrarium_server.rates import RateState
from terrarium_server.runs import OnFailure, Run


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """A generation to start; the ids have the right form already.

    ``priority`` orders the runs of one workspace, higher ones first. ``seed`` is used if the parameters have
    none; without both, one is derived from the run's id.
    """

    workspace_id: str
    project_id: str
    type: str
    prompt: str
    model_id: str | None
    params: dict[str, Any]
    priority: int = 0
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What is different when a run is repeated; a parameter that is None is removed."""

    prompt: str | None = None
    model_id: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    priority: int | None = None


@dataclass(frozen=True, slots=True)
class EdgeRequest:
    """One start waits for another, by their positions in a `GraphRequest`; see `runs.Edge`."""

    earlier: int
    later: int
    slot: str
    on_failure: OnFailure


@dataclass(frozen=True, slots=True)
class GraphRequest:
    """Generations of one project to start together, at most ``max_parallel`` of them at a time.

    ``edges`` lead from an earlier start to a later one, so that there are no circles.
    """

    workspace_id: str
    project_id: str
    starts: Sequence[GenerationRequest]
    edges: Sequence[EdgeRequest] = ()
    max_parallel: int | None = None


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


@dataclass(frozen=True, slots=True)
class AdmittedGraph:
    """A graph that was started: its root and members, and what remains of its workspace's rate of starts."""

    root: Run
    members: Sequence[Run]
    rate: RateState
