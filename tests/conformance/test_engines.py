"""What every engine must do, whatever it makes: the kit runs over all of them."""

import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import get_args

import psutil
import pytest

from support.cases import Case, Situation, all_cases, all_kinds
from support.driving import Driven, content, driving
from support.pocket import in_memory
from support.server import DEADLINE
from terrarium_server.engines import (
    CODES,
    Failed,
    Finished,
    Followers,
    Job,
    Lost,
    Mark,
    News,
    Progress,
    Refused,
    Ticket,
    Unknown,
    kinds,
)
from terrarium_server.media import read_audio

CASES = all_cases()
IN_PROCESSES = [name for name, case in CASES.items() if case.in_processes]
STAGED = [(name, situation) for name, case in CASES.items() for situation in case.situations]
HOLD = 0.05
RATE = 8000


@pytest.fixture(params=sorted(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
def scratch(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where engines that are told of no other folder put their files."""
    # What these jobs start from is made only once, and not in here.
    for make in (case.job, case.long_job):
        make("run_0")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def driven(case: Case, scratch: Path) -> Iterator[Driven]:
    with case.driven() as driven:
        yield driven


def mark_of(driven: Driven, job: Job) -> Mark:
    return driven.wait(driven.engine.prepare(job))


async def end_of(following: AsyncGenerator[News]) -> News:
    async with aclosing(following) as news:
        async for heard in news:
            if not isinstance(heard, Progress):
                return heard
    raise AssertionError("the news ended without an end")


def wait_until_empty(folder: Path) -> None:
    deadline = time.monotonic() + DEADLINE
    while left := list(folder.iterdir()):
        assert time.monotonic() < deadline, left
        time.sleep(0.01)


def test_every_kind_of_engine_has_a_case() -> None:
    assert all_kinds() == kinds()


def test_an_engine_lives_in_the_module_of_its_kind(case: Case, driven: Driven) -> None:
    assert [name for name, known in CASES.items() if known is case] == [
        type(driven.engine).__module__.split(".")[-1]
    ]
    assert isinstance(driven.engine.repeatable, bool)
    assert driven.engine.longest_silence > 0


def test_a_job_is_taken_at_once_and_ends_with_its_outputs(case: Case, driven: Driven, scratch: Path) -> None:
    job = case.job("run_1")
    assert driven.engine.problem(job.options) is None
    seen = driven.made(job)
    assert isinstance(seen, Finished), seen
    assert [output.content_type for output in seen.outputs] == [case.content_type]
    for output in seen.outputs:
        if isinstance(output.data, Path):
            assert output.data.parent == scratch and output.data.is_file()
        if case.in_processes and case.content_type.startswith("audio/"):
            assert isinstance(output.data, Path) and output.duration_seconds is not None
            lasts = len(read_audio(output.data, RATE)) / RATE
            # Encoders add some silence.
            assert output.duration_seconds == pytest.approx(lasts, abs=0.15)
        assert content(output)
    assert list(scratch.iterdir()) == []


def test_following_a_long_job_begins_at_once_and_may_be_left(case: Case, driven: Driven) -> None:
    ticket = driven.submit(case.long_job("run_1"))
    for _ in range(2):
        assert isinstance(next(driven.follow(ticket)), Progress)
    driven.cancel(ticket)


def test_a_repeatable_engine_makes_the_same_again(case: Case, driven: Driven) -> None:
    if driven.engine.repeatable:
        made = [in_memory(driven.made(case.job(key))) for key in ("run_1", "run_2")]
        assert made[0] == made[1]
        # And under the same key: that is what happens after a crash.
        assert in_memory(driven.made(case.job("run_1"))) == made[0]


def test_who_can_follow_is_told_by_the_mark(case: Case, driven: Driven) -> None:
    followers = driven.engine.followers(mark_of(driven, case.job("run_1")))
    assert followers in get_args(Followers)
    # A job that only its worker can follow is lost with it: it must be found again, or be done again.
    assert not case.in_processes or (followers == "worker" and driven.engine.repeatable)


def test_a_submission_is_found_by_its_mark_or_certainly_not_there(case: Case, driven: Driven) -> None:
    never = driven.find(case.job("run_0"))
    assert isinstance(never, Unknown) or never is None
    job = case.long_job("run_1")
    mark = mark_of(driven, job)
    ticket = driven.wait(driven.engine.submit(job, mark))
    found = driven.wait(driven.engine.find(mark))
    if driven.engine.repeatable:
        assert never is None and found in (None, ticket)
        assert found == ticket or not case.in_processes
    else:
        # None would have it submitted, and paid, a second time.
        assert found == ticket or isinstance(found, Unknown)
    driven.cancel(ticket)
    if driven.engine.repeatable:
        assert driven.wait(driven.engine.find(mark)) is None


def test_an_unknown_ticket_is_lost(driven: Driven) -> None:
    assert driven.end(Ticket("run_nobody_knows")) == Lost()


def test_a_cancelled_ticket_is_lost_and_cancelling_again_is_harmless(case: Case, driven: Driven) -> None:
    waiting, under_way = driven.submit(case.long_job("run_1")), driven.submit(case.long_job("run_2"))
    for ticket in (waiting, under_way, Ticket("run_nobody_knows"), waiting):
        driven.cancel(ticket)
    assert [driven.end(ticket) for ticket in (waiting, under_way)] == [Lost(), Lost()]


def test_cancelling_ends_the_following_and_nothing_is_left(case: Case, driven: Driven, scratch: Path) -> None:
    async def seconds_to_the_end() -> float:
        ticket = await driven.engine.submit(job, mark)
        following = asyncio.create_task(end_of(driven.engine.follow(ticket)))
        await asyncio.sleep(0.05)
        began = time.monotonic()
        await driven.engine.cancel(ticket)
        if not driven.engine.repeatable:
            # Its provider may have to be asked how it ended.
            following.cancel()
        await asyncio.wait([following])
        assert not driven.engine.repeatable or following.result() == Lost()
        return time.monotonic() - began

    job = case.long_job("run_1")
    mark = mark_of(driven, job)
    assert driven.wait(seconds_to_the_end()) < 1
    wait_until_empty(scratch)


def test_a_job_that_is_over_may_be_cancelled(case: Case, driven: Driven, scratch: Path) -> None:
    ticket = driven.submit(case.job("run_1"))
    seen = driven.end(ticket)
    for _ in range(2):
        driven.cancel(ticket)
    # What was handed out belongs to whoever got it.
    assert isinstance(in_memory(seen), Finished)
    assert list(scratch.iterdir()) == []


def test_what_an_engine_does_not_make_is_refused_and_nothing_is_started(case: Case, driven: Driven) -> None:
    with pytest.raises(Refused) as refused:
        driven.submit(case.wrong_job("run_1"))
    assert CODES[refused.value.failure.code] in ("change-input", "final")
    assert refused.value.failure.message
    assert driven.end(Ticket("run_1")) == Lost()


def test_closing_ends_what_is_under_way_and_may_be_done_again(
    case: Case, driven: Driven, scratch: Path
) -> None:
    before = set(psutil.Process().children())
    ticket = driven.submit(case.long_job("run_1"))
    if case.in_processes:
        driven.wait_until_at_work(ticket)
    started = set(psutil.Process().children()) - before
    assert bool(started) is case.in_processes
    driven.close()
    assert [child for child in started if child.is_running()] == []
    driven.close()
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("case", IN_PROCESSES, indirect=True)
def test_a_job_whose_process_is_killed_is_begun_again_in_another(
    case: Case, driven: Driven, scratch: Path
) -> None:
    before = set(psutil.Process().children())
    ticket = driven.submit(case.long_job("run_1"))
    driven.wait_until_at_work(ticket)
    killed = set(psutil.Process().children()) - before
    assert killed
    for child in killed:
        # A model gives way to the server, which has people waiting for its answers.
        assert child.nice() > psutil.Process().nice() or child.nice() == 19
        child.kill()
    began_again = False
    for heard in driven.follow(ticket):
        assert isinstance(heard, Progress), heard
        began_again = began_again or heard.fraction == 0
        if began_again and heard.fraction > 0:
            break
    assert set(psutil.Process().children()) - before - killed
    driven.cancel(ticket)
    assert isinstance(in_memory(driven.made(case.job("run_2"))), Finished)
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("case", IN_PROCESSES, indirect=True)
def test_a_cancelled_job_makes_room_for_the_next(case: Case, driven: Driven, scratch: Path) -> None:
    ticket = driven.submit(case.long_job("run_1"))
    driven.wait_until_at_work(ticket)
    driven.cancel(ticket)
    assert isinstance(in_memory(driven.made(case.job("run_2"))), Finished)
    assert list(scratch.iterdir()) == []


def test_the_loop_is_never_held(case: Case, driven: Driven) -> None:
    holds: list[float] = []
    # The best of a few: on a machine that is busy with other things a loop waits for its turn too.
    while not holds or (holds[-1] >= HOLD and len(holds) < 5):
        _ = driven.longest_hold
        assert isinstance(in_memory(driven.made(case.job(f"run_{len(holds)}_short"))), Finished)
        ticket = driven.submit(case.long_job(f"run_{len(holds)}_long"))
        assert isinstance(next(driven.follow(ticket)), Progress)
        driven.cancel(ticket)
        holds.append(driven.longest_hold)
    assert holds[-1] < HOLD, holds


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
    with CASES[name].situations[situation]() as staged, driving(staged.engine) as driven:
        try:
            seen = in_memory(driven.made(staged.job))
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
