"""What every engine must do, whatever it makes: the kit runs over all of them."""

import time
from collections.abc import Iterator

import psutil
import pytest

from support.cases import Case, Situation, all_cases, all_kinds
from support.server import DEADLINE
from terrarium_server.engines import (
    CODES,
    Engine,
    Failed,
    Finished,
    Look,
    Lost,
    Refused,
    Ticket,
    Waiting,
    kinds,
)
from terrarium_server.engines._process import ProcessPool

CASES = all_cases()
IN_PROCESSES = [name for name, case in CASES.items() if case.in_processes]
STAGED = [(name, situation) for name, case in CASES.items() for situation in case.situations]


def last_look(engine: Engine, ticket: Ticket) -> Look:
    """Look until there is an end."""
    deadline = time.monotonic() + DEADLINE
    progress = 0.0
    while isinstance(seen := engine.look(ticket, wait_seconds=0.5), Waiting):
        assert progress <= seen.progress <= 1.0
        progress = seen.progress
        assert time.monotonic() < deadline, "no end"
    return seen


def wait_until_at_work(engine: Engine, ticket: Ticket) -> None:
    """Wait until a job's first progress: before, its process may not have got it yet."""
    deadline = time.monotonic() + DEADLINE
    while not (isinstance(seen := engine.look(ticket, wait_seconds=0.1), Waiting) and seen.progress > 0):
        assert isinstance(seen, Waiting) and time.monotonic() < deadline


@pytest.fixture(params=sorted(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
def engine(case: Case) -> Iterator[Engine]:
    with case.open() as opened:
        yield opened


def test_every_kind_of_engine_has_a_case() -> None:
    assert all_kinds() == kinds()


def test_an_engine_lives_in_the_module_of_its_kind(case: Case, engine: Engine) -> None:
    assert [name for name, known in CASES.items() if known is case] == [
        type(engine).__module__.split(".")[-1]
    ]
    assert isinstance(engine.repeatable, bool)


def test_a_job_is_taken_at_once_and_ends_with_its_outputs(case: Case, engine: Engine) -> None:
    job = case.job("run_1")
    assert engine.problem(job.options) is None
    seen = last_look(engine, engine.submit(job))
    assert isinstance(seen, Finished), seen
    assert [output.content_type for output in seen.outputs] == [case.content_type]
    assert seen.outputs[0].data


def test_looking_at_a_long_job_comes_back_in_time_to_report(case: Case, engine: Engine) -> None:
    ticket = engine.submit(case.long_job("run_1"))
    assert isinstance(engine.look(ticket, wait_seconds=0.01), Waiting)
    engine.cancel(ticket)


def test_a_repeatable_engine_makes_the_same_again(case: Case, engine: Engine) -> None:
    if engine.repeatable:
        made = [last_look(engine, engine.submit(case.job(key))) for key in ("run_1", "run_2")]
        assert made[0] == made[1]
        # And under the same key: that is what happens after a crash.
        assert last_look(engine, engine.submit(case.job("run_1"))) == made[0]


def test_an_unknown_ticket_is_lost(engine: Engine) -> None:
    assert engine.look(Ticket("run_nobody_knows"), wait_seconds=0.01) == Lost()


def test_a_cancelled_ticket_is_lost_and_cancelling_again_is_harmless(case: Case, engine: Engine) -> None:
    waiting, under_way = engine.submit(case.long_job("run_1")), engine.submit(case.long_job("run_2"))
    for ticket in (waiting, under_way, Ticket("run_nobody_knows"), waiting):
        engine.cancel(ticket)
    assert [engine.look(ticket, wait_seconds=0.01) for ticket in (waiting, under_way)] == [Lost(), Lost()]


def test_what_an_engine_does_not_make_is_refused_and_nothing_is_started(case: Case, engine: Engine) -> None:
    with pytest.raises(Refused) as refused:
        engine.submit(case.wrong_job("run_1"))
    assert CODES[refused.value.failure.code] in ("change-input", "final")
    assert refused.value.failure.message
    assert engine.look(Ticket("run_1"), wait_seconds=0.01) == Lost()


def test_closing_ends_what_is_under_way_and_may_be_done_again(case: Case, engine: Engine) -> None:
    before = set(psutil.Process().children())
    ticket = engine.submit(case.long_job("run_1"))
    if case.in_processes:
        wait_until_at_work(engine, ticket)
    started = set(psutil.Process().children()) - before
    assert bool(started) is case.in_processes
    engine.close()
    assert [child for child in started if child.is_running()] == []
    engine.close()


@pytest.mark.parametrize("case", IN_PROCESSES, indirect=True)
def test_a_killed_process_fails_its_job_alone_and_the_next_one_works(case: Case, engine: Engine) -> None:
    before = set(psutil.Process().children())
    ticket = engine.submit(case.long_job("run_1"))
    wait_until_at_work(engine, ticket)
    for child in set(psutil.Process().children()) - before:
        # A model gives way to the server, which has people waiting for its answers.
        assert child.nice() > psutil.Process().nice() or child.nice() == 19
        child.kill()
    failed = last_look(engine, ticket)
    assert isinstance(failed, Failed)
    assert CODES[failed.code] == "retry-now"
    assert "try once more" in failed.message
    assert isinstance(last_look(engine, engine.submit(case.job("run_2"))), Finished)


@pytest.mark.parametrize("case", IN_PROCESSES, indirect=True)
def test_a_cancelled_job_makes_room_for_the_next(case: Case, engine: Engine) -> None:
    ticket = engine.submit(case.long_job("run_1"))
    wait_until_at_work(engine, ticket)
    engine.cancel(ticket)
    assert isinstance(last_look(engine, engine.submit(case.job("run_2"))), Finished)


def test_a_process_that_falls_silent_is_killed_and_its_job_fails() -> None:
    # This module waits for a line of Python, and a frame has none.
    pool = ProcessPool("asyncio", processes=1, patience=0.2)
    try:
        seen = pool.look(pool.submit(Ticket("run_1"), {"type": "text"}), wait_seconds=DEADLINE)
        assert isinstance(seen, Failed)
    finally:
        pool.close()


REMEDIES = {
    "moderated": {"change-input"},
    "busy": {"retry-later"},
    "hangs": {"retry-now"},
    "rubbish": {"retry-later"},
    "wrong_type": {"retry-later"},
    "drops": {"retry-now", "retry-later"},
}


@pytest.mark.parametrize(("name", "situation"), STAGED)
def test_what_goes_wrong_at_a_provider_is_told_apart_and_paid_once(name: str, situation: Situation) -> None:
    with CASES[name].situations[situation]() as staged:
        try:
            seen = last_look(staged.engine, staged.engine.submit(staged.job))
        except Refused as refused:
            seen = refused.failure
        charges = staged.charges()
    match situation:
        case "slow":
            assert isinstance(seen, Finished)
        case "vanishes":
            assert isinstance(seen, Lost) or (isinstance(seen, Failed) and CODES[seen.code] == "retry-later")
        case _ if isinstance(seen, Finished):
            # Only one that asks again with the same idempotency key gets here, and pays once all the same.
            assert situation == "drops"
        case _:
            assert isinstance(seen, Failed), seen
            assert CODES[seen.code] in REMEDIES[situation], seen
            assert seen.message
            if situation == "moderated":
                assert seen.code in ("GENERATION_PROMPT_MODERATED", "LLM_REFUSAL")
            if situation == "busy":
                assert seen.retry_after is not None and seen.retry_after > 0
    assert charges <= 1
