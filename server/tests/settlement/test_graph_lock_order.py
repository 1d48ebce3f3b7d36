"""PostgreSQL: no two operations on a graph of runs deadlock, see `test_lock_order`.

The operations of a worker are as `execution` does them: with the events at the end.
"""

from collections.abc import Callable
from functools import partial

import pytest
import sqlalchemy as sa

from terrarium_server import assets, events, runs, settlement
from terrarium_server.admission import EdgeRequest
from terrarium_server.runs import Run, RunOutcome
from terrarium_server.store import Transaction

from .interleaving import Interleaving, Operation
from .tenant import CAPACITY, Tenant

pytestmark = pytest.mark.parametrize("migrated_url", ["postgres"], indirect=True)

MODEL = "t2t-rehearsal"
OUTCOME = RunOutcome("SERVER_ERROR", "why")


class Records:
    """A graph and a run outside it.

    Two members and the other run are claimed, a third member waits for both members, a fourth is postponed
    and due, a fifth is in the queue, and a sixth is gated.
    """

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        edges = [EdgeRequest(0, 2, "", "continue"), EdgeRequest(1, 2, "", "skip")]
        with tenant.database.transaction() as tx:
            # Media of earlier records can be reused.
            tx.execute(sa.delete(assets.media_links))
            self.alone = tenant.admit(tx)
            graph = tenant.admit_graph(tx, [MODEL] * 6, edges, max_parallel=4)
            claimed = {run.run_id: run for run in runs.claim(tx, "wrk_a", 6, CAPACITY)}
            self.alone = claimed[self.alone.run_id]
            self.root, self.successor = graph.root, graph.members[2]
            self.first, self.second, postponed, queued = (
                claimed[graph.members[number].run_id] for number in (0, 1, 3, 4)
            )
            runs.postpone(tx, postponed, 0)
            runs.requeue(tx, queued)

    def complete(self, tx: Transaction, run: Run) -> None:
        """Both runs have the same two contents, in opposite orders."""
        contents = (b"one", b"two") if run is self.first else (b"two", b"one")
        settlement.complete(tx, run, self.tenant.pictures(run, *contents))

    def admit(self, tx: Transaction) -> None:
        self.tenant.admit_graph(tx, [MODEL] * 2, [EdgeRequest(0, 1, "", "fail")])

    def claim(self, tx: Transaction) -> None:
        claimed = runs.claim(tx, "wrk_b", 2, CAPACITY)
        events.record(tx, [events.of_run(run, "run.started", "running") for run in claimed])

    def postpone(self, tx: Transaction) -> None:
        if runs.postpone(tx, self.first, 1000):
            events.record(tx, [events.of_run(self.first, "run.queued", "pending")])

    def requeue(self, tx: Transaction) -> None:
        """Queue a run of a dead worker again."""
        if runs.lock_if_free(tx, self.second.run_id) and runs.requeue_abandoned(
            tx, self.second, sa.true(), died=True
        ):
            events.record(tx, [events.of_run(self.second, "run.queued", "pending")])


# Of two operations the one with fewer statements is paused at each of them, which takes less time.
OPERATIONS: dict[str, Callable[[Records, Transaction], object]] = {
    "wake postponed": lambda _, tx: runs.wake_postponed(tx),
    "postpone": lambda records, tx: records.postpone(tx),
    "requeue": lambda records, tx: records.requeue(tx),
    "claim": lambda records, tx: records.claim(tx),
    "admit": lambda records, tx: records.admit(tx),
    "cancel successor": lambda records, tx: settlement.cancel(tx, records.successor, actor="system"),
    "cancel all": lambda records, tx: settlement.cancel(tx, records.root, actor="system"),
    "fail second": lambda records, tx: settlement.fail(tx, records.second, OUTCOME),
    "complete alone": lambda records, tx: records.complete(tx, records.alone),
    "complete first": lambda records, tx: records.complete(tx, records.first),
}


@pytest.mark.parametrize("first", OPERATIONS)
def test_no_two_operations_on_a_graph_deadlock(
    tenant: Tenant, interleaving: Interleaving, first: str
) -> None:
    names = list(OPERATIONS)
    for second in names[names.index(first) :]:

        def prepare(second: str = second) -> tuple[Operation, Operation]:
            records = Records(tenant)
            return partial(OPERATIONS[first], records), partial(OPERATIONS[second], records)

        interleaving.run_at_every_statement(prepare)
    tenant.check()
