"""Graphs of runs in plain Python: what waits for what, and what follows an end."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from terrarium_server.admission import EdgeRequest
from terrarium_server.runs import OnFailure, Run, RunState

# How a graph or a member ends that no outcome of its own ended.
CANCELLED = "GENERATION_CANCELLED"


@dataclass
class Member:
    """The expected state of a member."""

    run_id: str
    engine: str
    budget: int
    state: RunState = "pending"
    is_gated: bool = False
    worker: str | None = None
    claim: int = 0
    due: int | None = None
    error: str | None = None

    @property
    def is_over(self) -> bool:
        return self.state in ("completed", "failed", "skipped")

    def is_under(self, state: RunState, run: Run) -> bool:
        """Whether it is in this state under the claim of ``run``."""
        return (self.state, self.worker, self.claim) == (state, run.worker_id, run.claim)

    def requeue(self, *, due: int | None = None) -> None:
        self.state, self.worker, self.due = "pending", None, due

    def end(self, state: RunState, error: str | None = None) -> None:
        self.state, self.error = state, error


@dataclass
class Graph:
    """A root and its members in the order of their ids, which is that of the request."""

    root_run_id: str
    members: list[Member]
    edges: Sequence[EdgeRequest]
    max_parallel: int | None
    is_capped: bool
    state: RunState = "running"
    error: str | None = None
    by_id: dict[str, Member] = field(init=False)

    def __post_init__(self) -> None:
        self.by_id = {member.run_id: member for member in self.members}
        if self.max_parallel is not None:
            for member in self.members:
                member.is_gated = True
            self._pass_gate(self.max_parallel)

    @property
    def run_ids(self) -> list[str]:
        return [self.root_run_id, *self.by_id]

    @property
    def held(self) -> int:
        return sum(member.budget for member in self.members)

    @property
    def used(self) -> int:
        """What it takes from the balance: its hold, and then its cost."""
        if self.state == "running":
            return self.held
        return sum(member.budget for member in self.members if member.state == "completed")

    def ready(self) -> list[Member]:
        return [
            member
            for number, member in enumerate(self.members)
            if self._is_free(number) and not member.is_gated and member.due is None
        ]

    def follow(self, ended: Member) -> None:
        """Do what follows the end of a member."""
        if self._fails():
            self._end_rest("skipped", ended.error)
            return
        if self.max_parallel is not None:
            self._pass_gate(self.max_parallel)
        self._close(None)

    def cancel(self) -> None:
        if self.state == "running":
            self._end_rest("failed", CANCELLED)

    def _end_rest(self, pending: RunState, error: str | None) -> None:
        """End all members that have not ended, and the graph with this error."""
        for member in self.members:
            if not member.is_over:
                member.end(pending if member.state == "pending" else "failed", CANCELLED)
        self._close(error)

    def _fails(self) -> bool:
        """Skip what is to be skipped, from the first member to the last; whether the graph fails by it."""
        for number, member in enumerate(self.members):
            failed = self._not_completed(number)
            if "fail" in failed:
                return True
            if "skip" in failed and not member.is_over:
                member.end("skipped", CANCELLED)
        return False

    def _not_completed(self, later: int) -> set[OnFailure]:
        """The policies of the edges to a member from those that ended without being completed."""
        return {edge.on_failure for edge in self._edges_to(later)
                if self.members[edge.earlier].state in ("failed", "skipped")}  # fmt: skip

    def _edges_to(self, later: int) -> Iterable[EdgeRequest]:
        return (edge for edge in self.edges if edge.later == later)

    def _is_free(self, number: int) -> bool:
        """Whether a member is pending and waits for no other."""
        is_waiting = any(not self.members[edge.earlier].is_over for edge in self._edges_to(number))
        return self.members[number].state == "pending" and not is_waiting

    def _pass_gate(self, max_parallel: int) -> None:
        free = max_parallel - sum(not (member.is_over or member.is_gated) for member in self.members)
        for number, member in enumerate(self.members):
            if free > 0 and member.is_gated and self._is_free(number):
                member.is_gated = False
                free -= 1

    def _close(self, error: str | None) -> None:
        if not all(member.is_over for member in self.members):
            return
        if error is None and all(member.state != "completed" for member in self.members):
            error = next(member.error for member in self.members if member.state == "failed")
        self.state, self.error = "completed" if error is None else "failed", error
