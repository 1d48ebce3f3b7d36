"""The contract of engines, checked for every kind."""

import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from importlib.metadata import entry_points
from pathlib import Path
from typing import get_args

import psutil
import pytest

from support.cases import Case, Situation, all_cases, all_kinds
from support.driver import EngineDriver, content, drive_engine
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
)
from terrarium_server.engines.registry import GROUP, kinds
from terrarium_server.media import read_audio

CASES = all_cases()
IN_PROCESSES = [name for name, case in CASES.items() if case.in_processes]
SITUATIONS = [(name, situation) for name, case in CASES.items() for situation in case.situations]
MAX_BLOCK_SECONDS = 0.05
RATE = 8000


@pytest.fixture(params=sorted(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
def scratch(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The default folder for the files of engines."""
    # The jobs' inputs are made once, and not in this folder.
    for make in (case.job, case.long_job):
        make("run_0")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def driver(case: Case, scratch: Path) -> Iterator[EngineDriver]:
    with case.driver() as driver:
        yield driver


def mark_of(driver: EngineDriver, job: Job) -> Mark:
    return driver.wait(driver.engine.prepare(job))


async def end_of(following: AsyncGenerator[News]) -> News:
    async with aclosing(following) as news:
        async for update in news:
            if not isinstance(update, Progress):
                return update
    raise AssertionError("the updates ended without a result")


def wait_until_empty(folder: Path) -> None:
    deadline = time.monotonic() + DEADLINE
    while left := list(folder.iterdir()):
        assert time.monotonic() < deadline, left
        time.sleep(0.01)


def test_every_kind_of_engine_has_a_case() -> None:
    assert all_kinds() == kinds()


def test_an_engine_is_built_by_its_kind(case: Case, driver: EngineDriver) -> None:
    (name,) = [name for name, other in CASES.items() if other is case]
    (entry,) = entry_points(group=GROUP, name=name)
    assert type(driver.engine).__module__ == f"{entry.value}.engine"
    assert isinstance(driver.engine.repeatable, bool)
    assert driver.engine.longest_silence > 0


def test_a_job_is_accepted_and_ends_with_its_outputs(case: Case, driver: EngineDriver, scratch: Path) -> None:
    job = case.job("run_1")
    assert driver.engine.problem(job.options) is None
    result = driver.run(job)
    assert isinstance(result, Finished), result
    assert [output.content_type for output in result.outputs] == [case.content_type]
    for output in result.outputs:
        if isinstance(output.data, Path):
            assert output.data.parent == scratch and output.data.is_file()
        if case.in_processes and case.content_type.startswith("audio/"):
            assert isinstance(output.data, Path) and output.duration_seconds is not None
            seconds = len(read_audio(output.data, RATE)) / RATE
            # Encoders add some silence.
            assert output.duration_seconds == pytest.approx(seconds, abs=0.15)
        assert content(output)
    assert list(scratch.iterdir()) == []


def test_following_a_long_job_begins_at_once_and_may_end_early(case: Case, driver: EngineDriver) -> None:
    ticket = driver.submit(case.long_job("run_1"))
    for _ in range(2):
        assert isinstance(next(driver.follow(ticket)), Progress)
    driver.cancel(ticket)


def test_a_repeatable_engine_gives_the_same_result_again(case: Case, driver: EngineDriver) -> None:
    if driver.engine.repeatable:
        made = [in_memory(driver.run(case.job(key))) for key in ("run_1", "run_2")]
        assert made[0] == made[1]
        # The same key is used again after a crash.
        assert in_memory(driver.run(case.job("run_1"))) == made[0]


def test_the_mark_says_who_can_follow(case: Case, driver: EngineDriver) -> None:
    followers = driver.engine.followers(mark_of(driver, case.job("run_1")))
    assert followers in get_args(Followers)
    # A job in a child process is lost with its worker, so it must be repeatable.
    assert not case.in_processes or (followers == "worker" and driver.engine.repeatable)


def test_a_submission_is_found_by_its_mark_or_certainly_missing(case: Case, driver: EngineDriver) -> None:
    never = driver.find(case.job("run_0"))
    assert isinstance(never, Unknown) or never is None
    job = case.long_job("run_1")
    mark = mark_of(driver, job)
    ticket = driver.wait(driver.engine.submit(job, mark))
    found = driver.wait(driver.engine.find(mark))
    if driver.engine.repeatable:
        assert never is None and found in (None, ticket)
        assert found == ticket or not case.in_processes
    else:
        # After None it would be submitted, and paid, a second time.
        assert found == ticket or isinstance(found, Unknown)
    driver.cancel(ticket)
    if driver.engine.repeatable:
        assert driver.wait(driver.engine.find(mark)) is None


def test_an_unknown_ticket_is_lost(driver: EngineDriver) -> None:
    assert driver.end(Ticket("run_unknown")) == Lost()


def test_a_cancelled_ticket_is_lost_and_cancelling_again_is_harmless(
    case: Case, driver: EngineDriver
) -> None:
    waiting, under_way = driver.submit(case.long_job("run_1")), driver.submit(case.long_job("run_2"))
    for ticket in (waiting, under_way, Ticket("run_unknown"), waiting):
        driver.cancel(ticket)
    assert [driver.end(ticket) for ticket in (waiting, under_way)] == [Lost(), Lost()]


def test_cancelling_ends_the_following_and_nothing_is_left(
    case: Case, driver: EngineDriver, scratch: Path
) -> None:
    async def seconds_to_the_end() -> float:
        ticket = await driver.engine.submit(job, mark)
        following = asyncio.create_task(end_of(driver.engine.follow(ticket)))
        await asyncio.sleep(0.05)
        began = time.monotonic()
        await driver.engine.cancel(ticket)
        if not driver.engine.repeatable:
            # The provider may have to be polled for the end.
            following.cancel()
        await asyncio.wait([following])
        assert not driver.engine.repeatable or following.result() == Lost()
        return time.monotonic() - began

    job = case.long_job("run_1")
    mark = mark_of(driver, job)
    assert driver.wait(seconds_to_the_end()) < 1
    wait_until_empty(scratch)


def test_a_finished_job_may_be_cancelled(case: Case, driver: EngineDriver, scratch: Path) -> None:
    ticket = driver.submit(case.job("run_1"))
    result = driver.end(ticket)
    for _ in range(2):
        driver.cancel(ticket)
    # Its outputs belong to the follower.
    assert isinstance(in_memory(result), Finished)
    assert list(scratch.iterdir()) == []


def test_an_unsupported_job_is_refused_and_not_started(case: Case, driver: EngineDriver) -> None:
    with pytest.raises(Refused) as refused:
        driver.submit(case.wrong_job("run_1"))
    assert CODES[refused.value.failure.code] in ("change-input", "final")
    assert refused.value.failure.message
    assert driver.end(Ticket("run_1")) == Lost()


def test_closing_ends_all_jobs_and_may_be_repeated(case: Case, driver: EngineDriver, scratch: Path) -> None:
    before = set(psutil.Process().children())
    ticket = driver.submit(case.long_job("run_1"))
    if case.in_processes:
        driver.wait_until_started(ticket)
    started = set(psutil.Process().children()) - before
    assert bool(started) is case.in_processes
    driver.close()
    assert [child for child in started if child.is_running()] == []
    driver.close()
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("case", IN_PROCESSES, indirect=True)
def test_a_job_whose_process_is_killed_restarts_in_another(
    case: Case, driver: EngineDriver, scratch: Path
) -> None:
    before = set(psutil.Process().children())
    ticket = driver.submit(case.long_job("run_1"))
    driver.wait_until_started(ticket)
    killed = set(psutil.Process().children()) - before
    assert killed
    for child in killed:
        # Model processes have a lower priority than the server, which must answer its callers.
        assert child.nice() > psutil.Process().nice() or child.nice() == 19
        child.kill()
    has_restarted = False
    for update in driver.follow(ticket):
        assert isinstance(update, Progress), update
        has_restarted = has_restarted or update.fraction == 0
        if has_restarted and update.fraction > 0:
            break
    assert set(psutil.Process().children()) - before - killed
    driver.cancel(ticket)
    assert isinstance(in_memory(driver.run(case.job("run_2"))), Finished)
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("case", IN_PROCESSES, indirect=True)
def test_after_a_cancelled_job_the_next_one_runs(case: Case, driver: EngineDriver, scratch: Path) -> None:
    ticket = driver.submit(case.long_job("run_1"))
    driver.wait_until_started(ticket)
    driver.cancel(ticket)
    assert isinstance(in_memory(driver.run(case.job("run_2"))), Finished)
    assert list(scratch.iterdir()) == []


def test_the_event_loop_is_never_blocked(case: Case, driver: EngineDriver) -> None:
    blocks: list[float] = []
    # The best of a few, because on a busy machine a loop also waits for the processor.
    while not blocks or (blocks[-1] >= MAX_BLOCK_SECONDS and len(blocks) < 5):
        _ = driver.longest_hold
        assert isinstance(in_memory(driver.run(case.job(f"run_{len(blocks)}_short"))), Finished)
        ticket = driver.submit(case.long_job(f"run_{len(blocks)}_long"))
        assert isinstance(next(driver.follow(ticket)), Progress)
        driver.cancel(ticket)
        blocks.append(driver.longest_hold)
    assert blocks[-1] < MAX_BLOCK_SECONDS, blocks


REMEDIES = {
    "moderated": {"change-input"},
    "busy": {"retry-later"},
    "hangs": {"retry-now"},
    "invalid": {"retry-later"},
    "wrong_type": {"retry-later"},
    "drops": {"retry-now", "retry-later"},
}


@pytest.mark.parametrize(("name", "situation"), SITUATIONS)
def test_failures_of_a_provider_are_distinguished_and_paid_once(name: str, situation: Situation) -> None:
    with CASES[name].situations[situation]() as provider, drive_engine(provider.engine) as driver:
        try:
            result = in_memory(driver.run(provider.job))
        except Refused as refused:
            result = refused.failure
        charges = provider.charges()
    match situation:
        case "slow":
            assert isinstance(result, Finished)
        case "vanishes":
            assert isinstance(result, Lost) or (
                isinstance(result, Failed) and CODES[result.code] == "retry-later"
            )
        case _ if isinstance(result, Finished):
            # Only an engine that repeats the call with the same idempotency key gets a result, and pays once.
            assert situation == "drops"
        case _:
            assert isinstance(result, Failed), result
            assert CODES[result.code] in REMEDIES[situation], result
            assert result.message
            if situation == "moderated":
                assert result.code in ("GENERATION_PROMPT_MODERATED", "LLM_REFUSAL")
            if situation == "busy":
                assert result.retry_after is not None and result.retry_after > 0
    assert charges <= 1
