"""Everything that follows from a run's end is written once, and only under a valid claim."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from terrarium_server import accounts, assets, canvas, runs, settlement
from terrarium_server.canvas import NodeRecord
from terrarium_server.runs import Run, RunOutcome
from terrarium_server.store import Transaction

from .tenant import CAPACITY, GRANT, PRICE, Tenant, all_rows

OUTCOME = RunOutcome("GENERATION_PROMPT_MODERATED", "The provider refused the prompt.")

ENDS: dict[str, Callable[[Tenant, Transaction, Run], bool]] = {
    "complete": lambda tenant, tx, run: settlement.complete(tx, run, tenant.pictures(run, b"a fern")),
    "fail": lambda _, tx, run: settlement.fail(tx, run, OUTCOME),
    "cancel": lambda _, tx, run: settlement.cancel(tx, run, actor="system") == [run.run_id],
    "give_up": lambda _, tx, run: settlement.give_up(tx, run, OUTCOME),
}


def nodes(tenant: Tenant) -> list[NodeRecord]:
    with tenant.database.transaction() as tx:
        return canvas.list_nodes(tx, tenant.account.project_id, limit=100)


def test_a_completed_run_is_charged_and_its_outputs_are_recorded(tenant: Tenant) -> None:
    run = tenant.claimed()
    outputs = tenant.pictures(run, b"a fern", b"two ferns", b"three")
    with tenant.database.transaction() as tx:
        assert settlement.complete(tx, run, outputs)
        now_ms = tx.now_ms
    over = tenant.run(run.run_id)
    assert (over.state, over.cost_micros, over.progress) == ("completed", PRICE, 100)
    assert over.completed_at is not None and run.created_at <= over.completed_at <= now_ms
    assert (over.error_code, over.error_message) == (None, None)
    assert tenant.entries(run.run_id) == [("hold", -PRICE), ("settle", 0)]
    assert (tenant.balance, tenant.spent(tenant.capped)) == (GRANT - PRICE, PRICE)
    with tenant.database.transaction() as tx:
        assert assets.outputs_of(tx, [run.run_id])[run.run_id] == outputs
    shown = [
        (node.place, node.output_index, node.output_id, node.width, node.height) for node in nodes(tenant)
    ]
    assert shown == [(0, number, output.output_id, number, 7) for number, output in enumerate(outputs)]
    assert nodes(tenant)[0].node_id == run.node_id
    tenant.check()


def test_a_text_is_shown_without_a_size(tenant: Tenant) -> None:
    run = tenant.claimed()
    [output] = tenant.texts(run, "a fern")
    with tenant.database.transaction() as tx:
        assert settlement.complete(tx, run, [output])
    [node] = nodes(tenant)
    assert (node.output_id, node.width, node.height) == (output.output_id, None, None)


@pytest.mark.parametrize("end", ["fail", "cancel", "give_up"])
def test_the_whole_hold_of_a_run_that_was_not_completed_is_released(tenant: Tenant, end: str) -> None:
    run = tenant.started() if end == "give_up" else tenant.claimed()
    assert (tenant.balance, tenant.spent(tenant.capped)) == (GRANT - PRICE, PRICE)
    with tenant.database.transaction() as tx:
        assert ENDS[end](tenant, tx, run)
    over = tenant.run(run.run_id)
    assert (over.state, over.cost_micros, over.progress) == ("failed", 0, 100)
    assert over.completed_at is not None
    if end == "cancel":
        assert over.error_code == "GENERATION_CANCELLED" and "nothing was charged" in str(over.error_message)
    else:
        assert (over.error_code, over.error_message) == (OUTCOME.error_code, OUTCOME.error_message)
    assert tenant.entries(run.run_id) == [("hold", -PRICE), ("release", PRICE)]
    assert (tenant.balance, tenant.spent(tenant.capped)) == (GRANT, 0)
    [node] = nodes(tenant)
    assert (node.node_id, node.output_id) == (run.node_id, None)
    tenant.check()


def test_a_run_of_a_key_without_a_cap_counts_against_none(tenant: Tenant) -> None:
    for end in ("complete", "fail", "cancel"):
        run = tenant.claimed(caller=tenant.uncapped)
        with tenant.database.transaction() as tx:
            assert ENDS[end](tenant, tx, run)
        assert (tenant.spent(tenant.uncapped), tenant.spent(tenant.capped)) == (0, 0)
    tenant.check()


def test_a_key_that_was_revoked_meanwhile_is_refunded_too(tenant: Tenant) -> None:
    run = tenant.claimed()
    with tenant.database.transaction() as tx:
        accounts.revoke_key(tx, tenant.capped.key_id)
        assert settlement.fail(tx, run, OUTCOME)
    assert tenant.spent(tenant.capped) == 0
    tenant.check()


@pytest.mark.parametrize("end", ENDS)
def test_an_end_makes_its_project_the_most_recent_one(tenant: Tenant, end: str) -> None:
    run = tenant.started() if end == "give_up" else tenant.claimed()
    elsewhere = tenant.new_project()
    with tenant.database.transaction() as tx:
        assert most_recent(tenant, tx) == elsewhere
        assert ENDS[end](tenant, tx, run)
        assert most_recent(tenant, tx) == run.project_id
        # A second end changes nothing.
        accounts.touch_project(tx, run.workspace_id, elsewhere)
        ENDS[end](tenant, tx, run)
        assert most_recent(tenant, tx) == elsewhere


def most_recent(tenant: Tenant, tx: Transaction) -> str:
    [first, *_] = accounts.list_projects(tx, tenant.account.workspace_id, limit=2)
    return first.project_id


@pytest.mark.parametrize("end", ["complete", "fail", "cancel"])
def test_a_run_without_a_key_and_without_a_canvas_ends_too(tenant: Tenant, end: str) -> None:
    run = tenant.claimed(caller=tenant.uncapped)
    with tenant.database.transaction() as tx:
        tx.execute(sa.update(runs.runs).values(actor="system", node_id=None, project_id=None))
        run = runs.read_run(tx, run.run_id)
        assert run.key_id is None
        assert ENDS[end](tenant, tx, run)
    [node] = nodes(tenant)
    assert node.output_id is None
    tenant.check_credits()


# What happened to a run that wrk_a claimed once, and which ends are still possible under that claim.
def postponed(tx: Transaction, run: Run) -> None:
    assert runs.postpone(tx, run, 1000)


def requeued(tx: Transaction, run: Run) -> None:
    assert runs.requeue(tx, run)


def taken_over(tx: Transaction, run: Run) -> None:
    assert runs.take_over(tx, run, "wrk_b", sa.true(), died=True)


def claimed_again(tx: Transaction, run: Run) -> None:
    requeued(tx, run)
    assert runs.claim(tx, "wrk_a", 1, CAPACITY)


def left(tx: Transaction, run: Run) -> None:
    assert runs.leave(tx, run)


def nothing(tx: Transaction, run: Run) -> None:
    pass


SITUATIONS: dict[str, tuple[Callable[[Transaction, Run], None], set[str]]] = {
    "held": (nothing, {"complete", "fail", "cancel"}),
    "left": (left, {"cancel"}),
    "taken over": (taken_over, {"cancel"}),
    "claimed again": (claimed_again, {"cancel"}),
    "requeued": (requeued, {"cancel", "give_up"}),
    "postponed": (postponed, {"cancel", "give_up"}),
}


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("end", ENDS)
def test_only_a_valid_claim_ends_a_run_and_only_once(tenant: Tenant, situation: str, end: str) -> None:
    happen, possible = SITUATIONS[situation]
    run = tenant.claimed()
    with tenant.database.transaction() as tx:
        happen(tx, run)
        before = all_rows(tx)
        ended = ENDS[end](tenant, tx, run)
        assert ended is (end in possible)
        assert (all_rows(tx) == before) is not ended
        after = all_rows(tx)
        again = {name: other(tenant, tx, run) for name, other in ENDS.items()}
        # Completing again under the same claim succeeds, because the answer to a commit may be lost.
        if end == "complete" and ended:
            assert again == {"complete": True, "fail": False, "cancel": False, "give_up": False}
        elif ended:
            assert again == dict.fromkeys(ENDS, False)
        if ended:
            assert all_rows(tx) == after
    tenant.check()


@pytest.mark.parametrize("end", ["complete", "fail", "cancel"])
def test_an_end_of_another_claim_stands(tenant: Tenant, end: str) -> None:
    run = tenant.claimed()
    with tenant.database.transaction() as tx:
        taken = runs.take_over(tx, run, "wrk_b", sa.true(), died=True)
        assert taken is not None and ENDS[end](tenant, tx, taken)
        before = all_rows(tx)
        assert {name: other(tenant, tx, run) for name, other in ENDS.items()} == dict.fromkeys(ENDS, False)
        assert all_rows(tx) == before
    tenant.check()


def test_outputs_that_cannot_be_recorded_leave_the_run_as_it_was(tenant: Tenant) -> None:
    run = tenant.claimed()
    [first] = tenant.texts(run, "a fern")
    [second] = tenant.texts(run, "the same place")
    with tenant.database.transaction() as tx:
        before = all_rows(tx)
    with pytest.raises(IntegrityError), tenant.database.transaction() as tx:
        settlement.complete(tx, run, [first, second])
    with tenant.database.transaction() as tx:
        assert all_rows(tx) == before
        assert settlement.complete(tx, run, [first])
    tenant.check()
