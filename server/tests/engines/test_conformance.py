"""What every engine of the folder must do, whatever it makes."""

import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from support.server import DEADLINE
from terrarium_server.engines import (
    Engine,
    Failed,
    Finished,
    Job,
    Look,
    Lost,
    Refused,
    Ticket,
    Waiting,
    discover,
)
from terrarium_server.engines._process import ProcessPool

NAMES = sorted(engine.name for engine in discover(processes=1))

# Small and quick: how well an engine makes things is its own tests' matter.
SMALL: dict[str, Any] = {"aspect_ratio": "1:1", "resolution": "0.5k", "num_images": 1, "style": "auto"}
# What each engine takes besides text, and one thing that keeps it busy for some seconds.
LONG: dict[str, tuple[str, dict[str, Any]]] = {
    "rehearsal": ("text", {"seconds": 30.0}),
    "sketch": ("image", {**SMALL, "resolution": "4k", "num_images": 4}),
}
IN_PROCESSES = ["sketch"]


def job(key: str, *, type: str = "text", params: dict[str, Any] | None = None) -> Job:
    return Job(key, "model", type, "a fern on a windowsill", SMALL if params is None else params, 7)


def long_job(engine: Engine, key: str) -> Job:
    type, params = LONG[engine.name]
    return job(key, type=type, params=params)


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


@pytest.fixture(params=NAMES)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    engines = discover(processes=1)
    found = engines.get(request.param)
    assert found is not None
    yield found
    engines.close()


def test_every_engine_says_how_it_is_kept_busy() -> None:
    assert sorted(LONG) == NAMES


def test_an_engine_is_named_like_its_file(engine: Engine) -> None:
    assert type(engine).__module__ == f"terrarium_server.engines.{engine.name}"
    assert engine.problem({}) is None
    assert isinstance(engine.repeatable, bool)


def test_a_job_is_taken_at_once_and_ends_with_its_outputs(engine: Engine) -> None:
    seen = last_look(engine, engine.submit(job("run_1")))
    assert isinstance(seen, Finished)
    assert [output.content_type for output in seen.outputs] == ["text/plain"]
    assert isinstance(seen.outputs[0].data, str) and seen.outputs[0].data


def test_looking_at_a_long_job_comes_back_in_time_to_report(engine: Engine) -> None:
    ticket = engine.submit(long_job(engine, "run_1"))
    assert isinstance(engine.look(ticket, wait_seconds=0.01), Waiting)
    engine.cancel(ticket)


def test_a_repeatable_engine_makes_the_same_again(engine: Engine) -> None:
    if engine.repeatable:
        made = [last_look(engine, engine.submit(job(key))) for key in ("run_1", "run_2")]
        assert made[0] == made[1]
        # And under the same key: that is what happens after a crash.
        assert last_look(engine, engine.submit(job("run_1"))) == made[0]


def test_an_unknown_ticket_is_lost(engine: Engine) -> None:
    assert engine.look(Ticket("run_nobody_knows"), wait_seconds=0.01) == Lost()


def test_a_cancelled_ticket_is_lost_and_cancelling_again_is_harmless(engine: Engine) -> None:
    waiting, under_way = engine.submit(long_job(engine, "run_1")), engine.submit(long_job(engine, "run_2"))
    for ticket in (waiting, under_way, Ticket("run_nobody_knows"), waiting):
        engine.cancel(ticket)
    assert [engine.look(ticket, wait_seconds=0.01) for ticket in (waiting, under_way)] == [Lost(), Lost()]


def test_jobs_do_not_get_each_others_outputs(engine: Engine) -> None:
    prompts = {f"run_{number}": f"a fern number {number}" for number in range(6)}
    tickets = {key: engine.submit(Job(key, "m", "text", prompts[key], SMALL, 7)) for key in prompts}
    for key in reversed(tickets):
        seen = last_look(engine, tickets[key])
        assert isinstance(seen, Finished)
        assert f"number {key[-1]}" in str(seen.outputs[0].data).lower()


def test_what_an_engine_does_not_make_is_refused_and_nothing_is_started(engine: Engine) -> None:
    try:
        ticket = engine.submit(job("run_1", type="hologram", params={"outcome": "refused"}))
    except Refused as refused:
        assert refused.failure.code.startswith("GENERATION_")
        assert refused.failure.message
        assert engine.look(Ticket("run_1"), wait_seconds=0.01) == Lost()
    else:
        pytest.fail(f"{engine.name} took it: {ticket}")


def test_closing_ends_what_is_under_way_and_may_be_done_again(engine: Engine) -> None:
    before = set(psutil.Process().children())
    ticket = engine.submit(long_job(engine, "run_1"))
    if engine.name in IN_PROCESSES:
        wait_until_at_work(engine, ticket)
    started = set(psutil.Process().children()) - before
    assert bool(started) is (engine.name in IN_PROCESSES)
    engine.close()
    assert [child for child in started if child.is_running()] == []
    engine.close()


@pytest.mark.parametrize("engine", IN_PROCESSES, indirect=True)
def test_a_killed_process_fails_its_job_alone_and_the_next_one_works(engine: Engine) -> None:
    before = set(psutil.Process().children())
    ticket = engine.submit(long_job(engine, "run_1"))
    next_ticket = engine.submit(job("run_2"))
    wait_until_at_work(engine, ticket)
    (child,) = set(psutil.Process().children()) - before
    child.kill()
    failed = last_look(engine, ticket)
    assert isinstance(failed, Failed)
    assert failed.code == "GENERATION_GENERIC_ERROR"
    assert "try once more" in failed.message
    assert isinstance(last_look(engine, next_ticket), Finished)


def test_a_process_that_falls_silent_is_killed_and_its_job_fails() -> None:
    # This module waits for a line of Python, and a frame has none.
    pool = ProcessPool("asyncio", processes=1, patience=0.2)
    try:
        ticket = pool.submit(Ticket("run_1"), {"type": "text"})
        deadline = time.monotonic() + DEADLINE
        while isinstance(seen := pool.look(ticket, wait_seconds=0.5), Waiting):
            assert time.monotonic() < deadline, "nobody noticed"
        assert isinstance(seen, Failed)
    finally:
        pool.close()
