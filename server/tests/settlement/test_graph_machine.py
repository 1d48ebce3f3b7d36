"""Any order of moves of the runs of graphs, compared with a model in plain Python."""

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from support.graphs import check_events, check_graph
from support.machines import run_machine
from terrarium_server import ledger, runs, settlement
from terrarium_server.admission import EdgeRequest
from terrarium_server.runs import OnFailure, Run, RunOutcome
from terrarium_server.store import Database, Transaction, metadata

from .graph_model import CANCELLED, Graph, Member
from .tenant import GRANT, Tenant, all_rows

MODELS = {"t2t-rehearsal": "rehearsal", "t2t-elsewhere": "spare"}
MOST_MEMBERS = 8
GRAPHS = 3
OUTCOME = RunOutcome("SERVER_ERROR", "why")
ON_FAILURE: list[OnFailure] = ["fail", "skip", "continue", "skip", "continue"]
ENGINE = st.sampled_from(sorted(MODELS.values()))
# Which one of a list, modulo its length.
NUMBER = st.integers(0, 30)

T = TypeVar("T")
Move = Callable[["GraphMachine", Transaction, Run], bool]
# What a worker does to a run under its claim.
MOVES: dict[str, Move] = {
    "complete": lambda self, tx, run: settlement.complete(tx, run, self.tenant.texts(run, "a fern")),
    "fail": lambda _, tx, run: settlement.fail(tx, run, OUTCOME),
    "requeue": lambda _, tx, run: runs.requeue(tx, run),
    "postpone": lambda _, tx, run: runs.postpone(tx, run, 1000),
    "abandon": lambda _, tx, run: runs.requeue_abandoned(tx, run, sa.true(), died=True),
}


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[str], list[EdgeRequest]]:
    """The models of a graph's members, and the edges between them."""
    size = draw(st.integers(2, MOST_MEMBERS))
    models = draw(st.lists(st.sampled_from(sorted(MODELS)), min_size=size, max_size=size))
    places = [(*pair, slot) for pair in combinations(range(size), 2) for slot in ("one", "two")]
    count = min(len(places), draw(st.integers(size // 2, 2 * size)))
    chosen = draw(st.lists(st.sampled_from(places), unique=True, min_size=count, max_size=count))
    return models, [EdgeRequest(*place, draw(st.sampled_from(ON_FAILURE))) for place in chosen]


class GraphMachine(RuleBasedStateMachine):
    """A workspace with a capped key and another one; every rule is one transaction, or several."""

    def __init__(self, url: str, folder: Path) -> None:
        super().__init__()
        self.now = 1_800_000_000_000
        self.database = Database(
            url, clock_ms=lambda: self.now, clock=lambda: sa.literal(self.now, sa.BigInteger)
        )
        with self.database.transaction() as tx:
            for table in reversed(metadata.sorted_tables):
                tx.execute(sa.delete(table))
        self.tenant = Tenant(self.database, folder)
        self.graphs: dict[str, Graph] = {}
        self.claims: list[Run] = []

    def teardown(self) -> None:
        try:
            self._end_everything()
        finally:
            self.database.close()

    @precondition(lambda self: len(self.graphs) < GRAPHS)
    @rule(graph=graphs(), max_parallel=st.none() | st.integers(1, 3), is_capped=st.booleans())
    def admit(
        self, graph: tuple[list[str], list[EdgeRequest]], max_parallel: int | None, *, is_capped: bool
    ) -> None:
        models, edges = graph
        # So that the ids of a later graph are higher.
        self.now += 1
        caller = self.tenant.capped if is_capped else self.tenant.uncapped
        with self.database.transaction() as tx:
            admitted = self.tenant.admit_graph(tx, models, edges, max_parallel=max_parallel, caller=caller)
        members = [
            Member(run.run_id, MODELS[model], run.quote_micros)
            for run, model in zip(admitted.members, models, strict=True)
        ]
        expected = Graph(admitted.root.run_id, members, edges, max_parallel, is_capped)
        assert admitted.root.held_micros == expected.held
        self.graphs[expected.root_run_id] = expected

    @precondition(lambda self: any(graph.ready() for graph in self.graphs.values()))
    @rule(worker=st.sampled_from(["wrk_a", "wrk_b"]), engine=ENGINE, count=st.integers(1, 4))
    def claim(self, worker: str, engine: str, count: int) -> None:
        """Claim what the model says, in its order: a run that is ready can always be claimed."""
        ready = _ordered(
            member for graph in self.graphs.values() for member in graph.ready() if member.engine == engine
        )[:count]
        with self.database.transaction() as tx:
            claimed = runs.claim(tx, worker, count, {engine: count})
        assert [run.run_id for run in claimed] == [member.run_id for member in ready]
        for member in ready:
            member.state, member.worker, member.claim = "running", worker, member.claim + 1
        self.claims += claimed

    @precondition(lambda self: self._held())
    @rule(number=NUMBER, succeeds=st.booleans(), is_answer_lost=st.booleans())
    def end(self, number: int, *, succeeds: bool, is_answer_lost: bool) -> None:
        run = _pick(self._held(), number)
        graph, member = self._find(run.run_id)
        move = "complete" if succeeds else "fail"
        with self.database.transaction() as tx:
            assert MOVES[move](self, tx, run)
        member.end("completed" if succeeds else "failed", None if succeeds else OUTCOME.error_code)
        graph.follow(member)
        if is_answer_lost:
            self._changes_nothing(move, run, answer=succeeds)

    @precondition(lambda self: self._held())
    @rule(number=NUMBER, move=st.sampled_from(["requeue", "postpone", "abandon"]))
    def return_to_the_queue(self, number: int, move: str) -> None:
        run = _pick(self._held(), number)
        with self.database.transaction() as tx:
            assert MOVES[move](self, tx, run)
        self._find(run.run_id)[1].requeue(due=self.now + 1000 if move == "postpone" else None)

    @precondition(lambda self: self._held())
    @rule(number=NUMBER)
    def take_over(self, number: int) -> None:
        run = _pick(self._held(), number)
        with self.database.transaction() as tx:
            taken = runs.take_over(tx, run, "wrk_c", sa.true(), died=True)
        assert taken is not None
        member = self._find(run.run_id)[1]
        member.worker, member.claim = "wrk_c", member.claim + 1
        self.claims.append(taken)

    @precondition(lambda self: len(self._held()) < len(self.claims))
    @rule(number=NUMBER, move=st.sampled_from(sorted(MOVES)))
    def an_old_claim_changes_nothing(self, number: int, move: str) -> None:
        held = self._held()
        run = _pick([run for run in self.claims if run not in held], number)
        completed_by_it = self._find(run.run_id)[1].is_under("completed", run)
        self._changes_nothing(move, run, answer=move == "complete" and completed_by_it)

    @precondition(lambda self: self._postponed())
    @rule(milliseconds=st.integers(1, 3000))
    def wake_postponed(self, milliseconds: int) -> None:
        self.now += milliseconds
        due = [member for member in self._postponed() if member.due is not None and member.due <= self.now]
        with self.database.transaction() as tx:
            assert runs.wake_postponed(tx) == len(due)
        for member in due:
            member.due = None

    @precondition(lambda self: self.graphs)
    @rule(number=NUMBER)
    def cancel(self, number: int) -> None:
        """Cancel any run, which may be a root or over already."""
        run_id = _pick([run_id for graph in self.graphs.values() for run_id in graph.run_ids], number)
        before = self._over()
        with self.database.transaction() as tx:
            ended = settlement.cancel(tx, runs.read_run(tx, run_id), actor="key:key_1")
        if (graph := self.graphs.get(run_id)) is not None:
            graph.cancel()
        else:
            self._end_from_outside(run_id, CANCELLED)
        assert set(ended) == self._over() - before

    @precondition(lambda self: self.graphs)
    @rule(number=NUMBER)
    def give_up(self, number: int) -> None:
        member = _pick(self._members(), number)
        is_pending = member.state == "pending"
        with self.database.transaction() as tx:
            assert settlement.give_up(tx, runs.read_run(tx, member.run_id), OUTCOME) is is_pending
        if is_pending:
            self._end_from_outside(member.run_id, OUTCOME.error_code)

    def _end_from_outside(self, run_id: str, error: str) -> None:
        graph, member = self._find(run_id)
        if not member.is_over:
            member.end("failed", error)
            graph.follow(member)

    # the model

    def _find(self, run_id: str) -> tuple[Graph, Member]:
        return next((graph, graph.by_id[run_id]) for graph in self.graphs.values() if run_id in graph.by_id)

    def _members(self) -> list[Member]:
        return _ordered(member for graph in self.graphs.values() for member in graph.members)

    def _held(self) -> list[Run]:
        return [run for run in self.claims if self._find(run.run_id)[1].is_under("running", run)]

    def _postponed(self) -> list[Member]:
        return [member for member in self._members() if member.state == "pending" and member.due is not None]

    def _over(self) -> set[str]:
        roots = {root for root, graph in self.graphs.items() if graph.state != "running"}
        return roots | {member.run_id for member in self._members() if member.is_over}

    def _changes_nothing(self, move: str, run: Run, *, answer: bool) -> None:
        with self.database.transaction() as tx:
            before = all_rows(tx)
            assert MOVES[move](self, tx, run) is answer
            assert all_rows(tx) == before

    def _end_everything(self) -> None:
        """End all runs: whatever happened before, each can still be reached."""
        while any(graph.state == "running" for graph in self.graphs.values()):
            self.wake_postponed(1000)
            for engine in MODELS.values():
                self.claim("wrk_a", engine, 100)
            while self._held():
                self.end(0, succeeds=True, is_answer_lost=False)
        self.the_records_are_as_expected()

    @invariant()
    def the_records_are_as_expected(self) -> None:
        tenant = self.tenant
        with self.database.transaction() as tx:
            for graph in self.graphs.values():
                root = check_graph(tx, graph.root_run_id)
                assert (root.state, root.error_code) == (graph.state, graph.error)
                members = [_as_expected(run) for run in runs.read_members(tx, graph.root_run_id)]
                assert members == graph.members
            check_events(tx, tenant.account.project_id)
            assert ledger.check(tx) == []
        used = {
            is_capped: sum(graph.used for graph in self.graphs.values() if graph.is_capped is is_capped)
            for is_capped in (True, False)
        }
        assert tenant.balance == GRANT - sum(used.values())
        assert (tenant.spent(tenant.capped), tenant.spent(tenant.uncapped)) == (used[True], 0)


def _ordered(members: Iterable[Member]) -> list[Member]:
    return sorted(members, key=lambda member: member.run_id)


def _pick(options: Sequence[T], number: int) -> T:
    return options[number % len(options)]


def _as_expected(run: Run) -> Member:
    return Member(
        run_id=run.run_id,
        engine=str(run.engine),
        budget=run.quote_micros,
        state=run.state,
        is_gated=bool(run.is_gated),
        worker=run.worker_id,
        claim=run.claim,
        due=run.due_at,
        error=run.error_code,
    )


def test_graphs_end_as_the_model_says(migrated_url: str, tmp_path: Path) -> None:
    examples = 30 if migrated_url.startswith("sqlite") else 10
    run_machine(lambda: GraphMachine(migrated_url, tmp_path), examples=examples, steps=25)
