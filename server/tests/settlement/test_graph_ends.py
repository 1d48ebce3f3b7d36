"""What follows from the end of one run of a graph, by the policies of its edges."""

import pytest
import sqlalchemy as sa

from terrarium_server import events, runs, settlement
from terrarium_server.admission import AdmittedGraph, EdgeRequest
from terrarium_server.runs import OnFailure, Run, RunOutcome

from .tenant import CAPACITY, GRANT, PRICE, Tenant

MODEL = "t2t-rehearsal"
OUTCOME = RunOutcome("GENERATION_PROMPT_MODERATED", "The provider refused the prompt.")
ACTOR = "key:key_of_a_person"


def started(tenant: Tenant, size: int, *edges: EdgeRequest) -> tuple[AdmittedGraph, dict[str, Run]]:
    """Start a graph and claim what is ready; return it, and the claimed runs by their ids."""
    with tenant.database.transaction() as tx:
        graph = tenant.admit_graph(tx, [MODEL] * size, edges)
        return graph, {run.run_id: run for run in runs.claim(tx, "wrk_a", size, CAPACITY)}


def states(tenant: Tenant, graph: AdmittedGraph) -> list[str]:
    """The states of the members, and then of the root."""
    return [tenant.run(run.run_id).state for run in (*graph.members, graph.root)]


def complete(tenant: Tenant, run: Run) -> None:
    with tenant.database.transaction() as tx:
        assert settlement.complete(tx, run, tenant.texts(run, "a fern"))


def fail(tenant: Tenant, run: Run) -> None:
    with tenant.database.transaction() as tx:
        assert settlement.fail(tx, run, OUTCOME)


def claim(tenant: Tenant) -> list[Run]:
    with tenant.database.transaction() as tx:
        return runs.claim(tx, "wrk_a", 9, CAPACITY)


def test_a_run_starts_when_all_that_it_waits_for_are_completed(tenant: Tenant) -> None:
    # Two outputs of the first one are used.
    edges = [
        EdgeRequest(0, 2, "image", "fail"),
        EdgeRequest(0, 2, "mask", "fail"),
        EdgeRequest(1, 2, "", "fail"),
    ]
    graph, claimed = started(tenant, 3, *edges)
    first, second, last = (run.run_id for run in graph.members)
    assert claimed.keys() == {first, second}
    complete(tenant, claimed[first])
    assert claim(tenant) == []
    complete(tenant, claimed[second])
    [run] = claim(tenant)
    assert run.run_id == last
    complete(tenant, run)
    root = tenant.run(graph.root.run_id)
    assert (root.state, root.cost_micros, root.progress) == ("completed", 3 * PRICE, 100)
    assert root.started_at == tenant.run(first).started_at and root.completed_at is not None
    assert (tenant.balance, tenant.spent(tenant.capped)) == (GRANT - 3 * PRICE, 3 * PRICE)
    tenant.check()


@pytest.mark.parametrize(
    ("on_failure", "expected"),
    [
        ("fail", ["failed", "failed", "skipped", "skipped", "failed"]),
        ("skip", ["failed", "running", "skipped", "skipped", "running"]),
        ("continue", ["failed", "running", "pending", "pending", "running"]),
    ],
)
def test_a_failure_does_what_the_edge_says(
    tenant: Tenant, on_failure: OnFailure, expected: list[str]
) -> None:
    """The third run waits for the first, the fourth for the third; the second is not connected to them."""
    graph, claimed = started(tenant, 4, EdgeRequest(0, 2, "", on_failure), EdgeRequest(2, 3, "", "skip"))
    fail(tenant, claimed[graph.members[0].run_id])
    assert states(tenant, graph) == expected
    assert [run.run_id for run in claim(tenant)] == (
        [graph.members[2].run_id] if on_failure == "continue" else []
    )
    root = tenant.run(graph.root.run_id)
    if on_failure == "fail":
        assert (root.error_code, root.error_message) == (OUTCOME.error_code, OUTCOME.error_message)
        assert (tenant.balance, tenant.spent(tenant.capped)) == (GRANT, 0)
        others = [tenant.run(run.run_id) for run in graph.members[1:]]
        assert {run.error_code for run in others} == {"GENERATION_CANCELLED"}
        assert all("nothing was charged" in str(run.error_message) for run in others)
    tenant.check()


def test_a_graph_without_a_completed_run_fails_as_the_first_one(tenant: Tenant) -> None:
    graph, claimed = started(tenant, 2)
    for run in reversed(claimed.values()):
        assert tenant.run(graph.root.run_id).state == "running"
        fail(tenant, run)
    root = tenant.run(graph.root.run_id)
    assert (root.state, root.error_code, root.cost_micros) == ("failed", OUTCOME.error_code, 0)
    assert root.error_message == f"None of the 2 runs completed. The first one: {OUTCOME.error_message}"
    assert tenant.entries(root.run_id) == [("hold", -2 * PRICE), ("release", 2 * PRICE)]
    tenant.check()


def test_a_cancelled_graph_charges_what_had_completed(tenant: Tenant) -> None:
    graph, claimed = started(tenant, 3, EdgeRequest(0, 2, "", "skip"), EdgeRequest(1, 2, "", "skip"))
    complete(tenant, claimed[graph.members[0].run_id])
    with tenant.database.transaction() as tx:
        ended = settlement.cancel(tx, graph.root, actor=ACTOR)
        assert settlement.cancel(tx, graph.root, actor=ACTOR) == []
    assert ended == [graph.members[1].run_id, graph.members[2].run_id, graph.root.run_id]
    assert states(tenant, graph) == ["completed", "failed", "failed", "failed"]
    root = tenant.run(graph.root.run_id)
    assert (root.error_code, root.cost_micros) == ("GENERATION_CANCELLED", PRICE)
    assert "only what had completed was charged" in str(root.error_message)
    assert tenant.entries(root.run_id) == [("hold", -3 * PRICE), ("settle", 2 * PRICE)]
    assert (tenant.balance, tenant.spent(tenant.capped)) == (GRANT - PRICE, PRICE)
    tenant.check()


def test_events_name_who_ended_a_run_and_why(tenant: Tenant) -> None:
    graph, claimed = started(tenant, 3, EdgeRequest(1, 2, "", "skip"))
    fail(tenant, claimed[graph.members[0].run_id])
    with tenant.database.transaction() as tx:
        settlement.cancel(tx, graph.members[1], actor=ACTOR)
    told = sa.select(events.events).order_by(events.events.c.number)
    with tenant.database.transaction() as tx:
        ends = [event for event in tx.execute(told) if event.type != "run.created"]
    assert [(event.type, event.run_id, event.actor) for event in ends] == [
        ("run.failed", graph.members[0].run_id, "system"),
        ("run.failed", graph.members[1].run_id, ACTOR),
        ("run.skipped", graph.members[2].run_id, ACTOR),
        ("run.failed", graph.root.run_id, ACTOR),
    ]
    assert [event.data["status"] for event in ends] == ["failed", "failed", "skipped", "failed"]
    assert ends[0].data["error_message"] == OUTCOME.error_message
    assert {event.root_run_id for event in ends} == {graph.root.run_id}
    tenant.check()


def test_a_batch_runs_only_so_many_at_a_time(tenant: Tenant) -> None:
    with tenant.database.transaction() as tx:
        graph = tenant.admit_graph(tx, [MODEL] * 4, max_parallel=2)
    first, second = claim(tenant)
    assert claim(tenant) == []
    # A run that is back in the queue keeps its place.
    with tenant.database.transaction() as tx:
        assert runs.requeue(tx, first)
    [first] = claim(tenant)
    complete(tenant, second)
    [third] = claim(tenant)
    with tenant.database.transaction() as tx:
        assert settlement.cancel(tx, first, actor=ACTOR) == [first.run_id]
    [fourth] = claim(tenant)
    assert [first.run_id, second.run_id, third.run_id, fourth.run_id] == [run.run_id for run in graph.members]
    tenant.check()
