"""PostgreSQL: many connections admit, end and cancel runs of graphs at the same moment."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest

from support.graphs import check_graph
from terrarium_server import ledger, runs, settlement
from terrarium_server.accounts import Caller
from terrarium_server.admission import AdmittedGraph, EdgeRequest
from terrarium_server.problems import DuplicateKey, InsufficientCredits, Problem, RateLimited, Resource
from terrarium_server.runs import OnFailure, Run, RunOutcome
from terrarium_server.store import Database, Transaction

from .tenant import CAPACITY, GRANT, PRICE, Tenant

pytestmark = pytest.mark.parametrize("migrated_url", ["postgres"], indirect=True)

MODEL = "t2t-rehearsal"
OUTCOME = RunOutcome("SERVER_ERROR", "why")
TIMEOUT_SECONDS = 60.0

T = TypeVar("T")
Work = Callable[[Transaction], T]


class Processes:
    """Several servers on one database, each with connections of its own."""

    def __init__(self, *databases: Database) -> None:
        self._databases = databases

    def do_at_once(self, works: Sequence[Work[T]]) -> list[T | Problem]:
        """Begin a transaction for each, then let all of them work; return their results or refusals."""
        barrier = threading.Barrier(len(works))

        def do(database: Database, work: Work[T]) -> T | Problem:
            try:
                with database.transaction() as tx:
                    barrier.wait(TIMEOUT_SECONDS)
                    return work(tx)
            except Problem as refusal:
                return refusal

        with ThreadPoolExecutor(len(works)) as pool:
            done = [pool.submit(do, *pair) for pair in zip(cycle(self._databases), works, strict=False)]
            return [one.result(TIMEOUT_SECONDS) for one in done]

    def admit_at_once(
        self, tenant: Tenant, batches: int, *, runs_each: int, caller: Caller
    ) -> tuple[int, set[type]]:
        """Admit so many batches; return how many were admitted, and how the others were refused."""
        admit = lambda tx: tenant.admit_graph(tx, [MODEL] * runs_each, caller=caller)  # noqa: E731
        answers = self.do_at_once([admit] * batches)
        refusals = [answer for answer in answers if isinstance(answer, Problem)]
        return batches - len(refusals), set(map(type, refusals))


@pytest.fixture
def processes(migrated_url: str) -> Iterator[Processes]:
    """Two servers."""
    with closing(Database(migrated_url)) as one, closing(Database(migrated_url)) as other:
        yield Processes(one, other)


def admitted(
    tenant: Tenant, predecessors: int, successors: int, on_failure: OnFailure = "continue"
) -> AdmittedGraph:
    """Admit a graph in which all of the first runs lead to all of the last ones."""
    edges = [
        EdgeRequest(earlier, predecessors + later, "", on_failure)
        for earlier in range(predecessors)
        for later in range(successors)
    ]
    with tenant.database.transaction() as tx:
        return tenant.admit_graph(tx, [MODEL] * (predecessors + successors), edges)


def claimed(tenant: Tenant) -> list[Run]:
    with tenant.database.transaction() as tx:
        return runs.claim(tx, "wrk_a", 200, CAPACITY)


def completing(tenant: Tenant, run: Run) -> Work[bool]:
    outputs = tenant.texts(run, "a fern")
    return lambda tx: settlement.complete(tx, run, outputs)


def failing(run: Run) -> Work[bool]:
    return lambda tx: settlement.fail(tx, run, OUTCOME)


@pytest.mark.parametrize(
    ("graphs", "predecessors", "successors"),
    [(1, 50, 1), (1, 50, 10), (25, 2, 1)],
)
def test_successors_of_runs_that_end_at_once_are_ready(
    tenant: Tenant, processes: Processes, graphs: int, predecessors: int, successors: int
) -> None:
    for _ in range(graphs):
        admitted(tenant, predecessors, successors)
    first = claimed(tenant)
    assert len(first) == graphs * predecessors
    # Some fail, after which their successors continue.
    works = [failing(run) if number % 3 == 0 else completing(tenant, run) for number, run in enumerate(first)]
    assert processes.do_at_once(works) == [True] * len(first)
    tenant.check()
    last = claimed(tenant)
    assert len(last) == graphs * successors
    assert processes.do_at_once([completing(tenant, run) for run in last]) == [True] * len(last)
    tenant.check()


def test_the_same_settlement_counts_once_however_often_it_is_sent(
    tenant: Tenant, processes: Processes
) -> None:
    graph = admitted(tenant, 4, 1)
    works = [completing(tenant, run) for run in claimed(tenant) for _ in range(8)]
    assert processes.do_at_once(works) == [True] * 32
    tenant.check()
    [last] = claimed(tenant)
    assert last.run_id == graph.members[-1].run_id


@pytest.mark.parametrize("seed", range(4))
def test_a_graph_is_cancelled_while_its_runs_move(tenant: Tenant, processes: Processes, seed: int) -> None:
    graph = admitted(tenant, 24, 8)
    first = claimed(tenant)
    with tenant.database.transaction() as tx:
        for run in first[:8]:
            assert runs.postpone(tx, run, 0)
        for run in first[8:12]:
            assert runs.requeue(tx, run)
    moving = first[12:]
    works: list[Work[object]] = [
        *(completing(tenant, run) for run in moving[:4]),
        *(failing(run) for run in moving[4:6]),
        *(lambda tx, run=run: runs.postpone(tx, run, 0) for run in moving[6:9]),
        *(lambda tx, run=run: runs.requeue(tx, run) for run in moving[9:]),
        *[lambda tx: runs.claim(tx, "wrk_b", 3, CAPACITY)] * 4,
        *[runs.wake_postponed] * 4,
        *(lambda tx, run=run: settlement.give_up(tx, run, OUTCOME) for run in first[8:10]),
        *(
            lambda tx, run=run: settlement.cancel(tx, run, actor="key:key_1")
            for run in graph.members[20:28:4]
        ),
    ]
    cancel_all = lambda tx: settlement.cancel(tx, graph.root, actor="key:key_1")  # noqa: E731
    works += [cancel_all, cancel_all]
    Random(seed).shuffle(works)
    processes.do_at_once(works)
    with tenant.database.transaction() as tx:
        root = check_graph(tx, graph.root.run_id)
        states = Counter(run.state for run in runs.read_members(tx, root.run_id))
    assert root.state == "failed" and states.keys() <= {"completed", "failed"}
    assert root.cost_micros == states["completed"] * PRICE
    tenant.check()


def test_of_two_cancellations_at_once_one_ends_the_graph(tenant: Tenant, processes: Processes) -> None:
    for _ in range(10):
        graph = admitted(tenant, 3, 2)
        cancel = lambda tx, root=graph.root: settlement.cancel(tx, root, actor="key:key_1")  # noqa: E731
        answers = processes.do_at_once([cancel] * 6)
        everything = [*(run.run_id for run in graph.members), graph.root.run_id]
        assert sorted(answers, key=repr) == sorted([everything, *([[]] * 5)], key=repr)
    tenant.check()


def test_a_batch_that_is_sent_eight_times_at_once_is_admitted_once(
    tenant: Tenant, processes: Processes
) -> None:
    admit = lambda tx: tenant.admit_graph(tx, [MODEL] * 5, idempotency_key="the same")  # noqa: E731
    answers = processes.do_at_once([admit] * 8)
    [graph] = [answer for answer in answers if isinstance(answer, AdmittedGraph)]
    refused = [answer.resource for answer in answers if isinstance(answer, DuplicateKey)]
    assert refused == [Resource("run", graph.root.run_id)] * 7
    assert tenant.balance == GRANT - 5 * PRICE
    tenant.check()


def test_batches_at_once_start_exactly_what_the_rate_allows(migrated_url: str, tmp_path: Path) -> None:
    # The clock stands still, so that nothing is refilled.
    database = Database(migrated_url, clock_ms=lambda: 1_800_000_000_000)
    tenant = Tenant(database, tmp_path)
    processes = Processes(database)
    hurried = replace(tenant.uncapped, rate_limit=60)
    # Seven batches of eight, and then four starts are left.
    assert processes.admit_at_once(tenant, 12, runs_each=8, caller=hurried) == (7, {RateLimited})
    assert processes.admit_at_once(tenant, 8, runs_each=1, caller=hurried) == (4, {RateLimited})
    assert tenant.balance == GRANT - 60 * PRICE
    tenant.check()
    database.close()


def test_batches_at_once_hold_exactly_what_there_is(tenant: Tenant, processes: Processes) -> None:
    with tenant.database.transaction() as tx:
        capped = tenant.new_key(tx, spending_cap_micros=15 * PRICE)
    assert processes.admit_at_once(tenant, 10, runs_each=4, caller=capped) == (3, {InsufficientCredits})
    with tenant.database.transaction() as tx:
        ledger.grant(tx, tenant.account.workspace_id, 11 * PRICE - tenant.balance)
    caller = tenant.uncapped
    assert processes.admit_at_once(tenant, 10, runs_each=4, caller=caller) == (2, {InsufficientCredits})
    assert (tenant.balance, tenant.spent(capped)) == (3 * PRICE, 12 * PRICE)
