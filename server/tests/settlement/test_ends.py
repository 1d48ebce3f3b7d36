"""All that follows from a run's end follows once; who has the run no more changes nothing."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from terrarium_server import accounts, assets, canvas, runs, settlement
from terrarium_server.canvas import NodeRecord
from terrarium_server.runs import Run, RunOutcome
from terrarium_server.store import Transaction

from .books import GRANT, PRICE, ROOM, Books, everything

WHY = RunOutcome("GENERATION_PROMPT_MODERATED", "The provider did not like it.")

ENDS: dict[str, Callable[[Books, Transaction, Run], bool]] = {
    "complete": lambda books, tx, run: settlement.complete(tx, run, books.pictures(run, b"a fern")),
    "fail": lambda _, tx, run: settlement.fail(tx, run, WHY),
    "cancel": lambda _, tx, run: settlement.cancel(tx, run),
    "give_up": lambda _, tx, run: settlement.give_up(tx, run, WHY),
}


def nodes(books: Books) -> list[NodeRecord]:
    with books.database.transaction() as tx:
        return canvas.list_nodes(tx, books.account.project_id, limit=100)


def test_a_completed_run_is_charged_and_its_outputs_are_there(books: Books) -> None:
    run = books.claimed()
    outputs = books.pictures(run, b"a fern", b"two ferns", b"three")
    with books.database.transaction() as tx:
        assert settlement.complete(tx, run, outputs)
        now_ms = tx.now_ms
    over = books.run(run.run_id)
    assert (over.state, over.cost_micros, over.progress) == ("completed", PRICE, 100)
    assert over.completed_at is not None and run.created_at <= over.completed_at <= now_ms
    assert (over.error_code, over.error_message) == (None, None)
    assert books.entries(run.run_id) == [("hold", -PRICE), ("settle", 0)]
    assert (books.balance, books.spent(books.capped)) == (GRANT - PRICE, PRICE)
    with books.database.transaction() as tx:
        assert assets.outputs_of(tx, [run.run_id])[run.run_id] == outputs
    shown = [(node.place, node.beside, node.output_id, node.width, node.height) for node in nodes(books)]
    assert shown == [(0, number, kept.output_id, number, 7) for number, kept in enumerate(outputs)]
    assert nodes(books)[0].node_id == run.node_id
    books.check()


def test_a_text_is_shown_without_a_size(books: Books) -> None:
    run = books.claimed()
    [kept] = books.texts(run, "a fern")
    with books.database.transaction() as tx:
        assert settlement.complete(tx, run, [kept])
    [node] = nodes(books)
    assert (node.output_id, node.width, node.height) == (kept.output_id, None, None)


@pytest.mark.parametrize("end", ["fail", "cancel", "give_up"])
def test_a_run_that_was_not_made_is_given_back_whole(books: Books, end: str) -> None:
    run = books.started() if end == "give_up" else books.claimed()
    assert (books.balance, books.spent(books.capped)) == (GRANT - PRICE, PRICE)
    with books.database.transaction() as tx:
        assert ENDS[end](books, tx, run)
    over = books.run(run.run_id)
    assert (over.state, over.cost_micros, over.progress) == ("failed", 0, 100)
    assert over.completed_at is not None
    if end == "cancel":
        assert over.error_code == "GENERATION_CANCELLED" and "nothing was charged" in str(over.error_message)
    else:
        assert (over.error_code, over.error_message) == (WHY.error_code, WHY.error_message)
    assert books.entries(run.run_id) == [("hold", -PRICE), ("release", PRICE)]
    assert (books.balance, books.spent(books.capped)) == (GRANT, 0)
    [node] = nodes(books)
    assert (node.node_id, node.output_id) == (run.node_id, None)
    books.check()


def test_a_run_of_a_key_without_a_cap_counts_against_none(books: Books) -> None:
    for end in ("complete", "fail", "cancel"):
        run = books.claimed(caller=books.uncapped)
        with books.database.transaction() as tx:
            assert ENDS[end](books, tx, run)
        assert (books.spent(books.uncapped), books.spent(books.capped)) == (0, 0)
    books.check()


def test_a_key_that_was_revoked_meanwhile_gets_its_own_back_too(books: Books) -> None:
    run = books.claimed()
    with books.database.transaction() as tx:
        accounts.revoke_key(tx, books.capped.key_id)
        assert settlement.fail(tx, run, WHY)
    assert books.spent(books.capped) == 0
    books.check()


@pytest.mark.parametrize("end", ["complete", "fail", "cancel"])
def test_a_run_that_no_key_started_and_that_lands_nowhere_ends_too(books: Books, end: str) -> None:
    run = books.claimed(caller=books.uncapped)
    with books.database.transaction() as tx:
        tx.execute(sa.update(runs.runs).values(actor="system", node_id=None, project_id=None))
        run = runs.read_run(tx, run.run_id)
        assert run.key_id is None
        assert ENDS[end](books, tx, run)
    [node] = nodes(books)
    assert node.output_id is None
    books.check()


# How a run stands that was claimed once by wrk_a, and which ends whoever has that claim may still make.
def postponed(tx: Transaction, run: Run) -> None:
    assert runs.postpone(tx, run, 1000)


def back_in_the_queue(tx: Transaction, run: Run) -> None:
    assert runs.requeue(tx, run)


def taken_over(tx: Transaction, run: Run) -> None:
    assert runs.take_over(tx, run, "wrk_b", sa.true(), died=True)


def claimed_again(tx: Transaction, run: Run) -> None:
    back_in_the_queue(tx, run)
    assert runs.claim(tx, "wrk_a", 1, ROOM)


def left(tx: Transaction, run: Run) -> None:
    assert runs.leave(tx, run)


def nothing(tx: Transaction, run: Run) -> None:
    pass


SITUATIONS: dict[str, tuple[Callable[[Transaction, Run], None], set[str]]] = {
    "held": (nothing, {"complete", "fail", "cancel"}),
    "left": (left, {"cancel"}),
    "taken over": (taken_over, {"cancel"}),
    "claimed again": (claimed_again, {"cancel"}),
    "back in the queue": (back_in_the_queue, {"cancel", "give_up"}),
    "postponed": (postponed, {"cancel", "give_up"}),
}


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("end", ENDS)
def test_an_end_is_made_by_whoever_may_and_once(books: Books, situation: str, end: str) -> None:
    happen, may = SITUATIONS[situation]
    run = books.claimed()
    with books.database.transaction() as tx:
        happen(tx, run)
        before = everything(tx)
        ended = ENDS[end](books, tx, run)
        assert ended is (end in may)
        assert (everything(tx) == before) is not ended
        after = everything(tx)
        again = {name: other(books, tx, run) for name, other in ENDS.items()}
        # Said once more under the same claim: the commit arrived, and its answer was lost.
        if end == "complete" and ended:
            assert again == {"complete": True, "fail": False, "cancel": False, "give_up": False}
        elif ended:
            assert again == dict.fromkeys(ENDS, False)
        if ended:
            assert everything(tx) == after
    books.check()


@pytest.mark.parametrize("end", ["complete", "fail", "cancel"])
def test_an_end_of_another_claim_stands(books: Books, end: str) -> None:
    run = books.claimed()
    with books.database.transaction() as tx:
        taken = runs.take_over(tx, run, "wrk_b", sa.true(), died=True)
        assert taken is not None and ENDS[end](books, tx, taken)
        before = everything(tx)
        assert {name: other(books, tx, run) for name, other in ENDS.items()} == dict.fromkeys(ENDS, False)
        assert everything(tx) == before
    books.check()


def test_outputs_that_cannot_be_recorded_leave_the_run_as_it_was(books: Books) -> None:
    run = books.claimed()
    [first] = books.texts(run, "a fern")
    [second] = books.texts(run, "the same place")
    with books.database.transaction() as tx:
        before = everything(tx)
    with pytest.raises(IntegrityError), books.database.transaction() as tx:
        settlement.complete(tx, run, [first, second])
    with books.database.transaction() as tx:
        assert everything(tx) == before
        assert settlement.complete(tx, run, [first])
    books.check()
