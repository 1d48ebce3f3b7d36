"""Requests that wait for a run are woken by its changes and by the end of the process."""

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

from terrarium_server.events import Encoding, Feed
from terrarium_server.store import Database

TIMEOUT_SECONDS = 10.0


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.close()


def feed_of(database: Database) -> Feed:
    return Feed(database, Encoding(lambda _: b"", lambda _: b""))


def change(database: Database, topic: str = "run", run_id: str = "run_1") -> None:
    """Do what a commit does that changes a run."""
    with database.transaction() as tx:
        tx.publish(topic, run_id)


async def is_set(event: asyncio.Event) -> bool:
    """Whether an event is set, after all pending callbacks."""
    await asyncio.sleep(0.01)
    return event.is_set()


@pytest.mark.parametrize("topic", ["run", "progress"])
def test_a_change_wakes_all_who_wait_for_this_run_once(database: Database, topic: str) -> None:
    async def wait() -> None:
        feed = feed_of(database)
        first, second, other = feed.expect("run_1"), feed.expect("run_1"), feed.expect("run_2")
        await asyncio.to_thread(change, database, topic)
        assert await is_set(first) and await is_set(second)
        assert not await is_set(other)
        # For the next change, one waits again.
        again = feed.expect("run_1")
        assert not await is_set(again)
        change(database, topic)
        assert await is_set(again)

    asyncio.run(wait())


def test_a_forgotten_event_is_not_set(database: Database) -> None:
    async def wait() -> None:
        feed = feed_of(database)
        forgotten, kept = feed.expect("run_1"), feed.expect("run_1")
        feed.forget("run_1", forgotten)
        feed.forget("run_1", forgotten)
        feed.forget("run_2", forgotten)
        change(database)
        assert await is_set(kept) and not await is_set(forgotten)

    asyncio.run(wait())


def test_a_closed_loop_is_skipped(database: Database) -> None:
    feed = feed_of(database)

    async def wait() -> asyncio.Event:
        return feed.expect("run_1")

    asyncio.run(wait())
    change(database)
    asyncio.run(wait())
    feed.close()


def test_closing_wakes_everyone(database: Database) -> None:
    async def wait() -> None:
        feed = feed_of(database)
        waiting = [feed.expect(f"run_{number}") for number in range(3)]
        assert not feed.is_closed
        await asyncio.to_thread(feed.close)
        assert feed.is_closed
        assert [await is_set(event) for event in waiting] == [True] * 3
        assert feed.expect("run_1").is_set()
        feed.close()

    asyncio.run(wait())


def interrupted(work: Callable[[], object], line: int, handler: Callable[[], None]) -> int:
    """Run ``work``, with a signal's handler before the given line of the feed; return how many lines ran.

    The interpreter runs handlers like this: in the same thread, between any two steps.
    """
    steps_run = 0

    def trace(frame: FrameType, event: str, _arg: Any) -> Any:
        nonlocal steps_run
        if not frame.f_code.co_filename.endswith(("events/_waiters.py", "events/_feed.py")):
            return trace
        if event == "line":
            steps_run += 1
            if steps_run == line:
                handler()
        return trace

    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(None)
    return steps_run


@pytest.mark.parametrize("step", ["expect", "forget", "change"])
def test_a_stop_signal_may_come_at_any_moment(sqlite_url: str, step: str) -> None:
    """The handler of a stop signal runs in the loop's own thread and closes the feed."""

    async def work(line: int) -> int:
        # Its own one, because feeds stay subscribed.
        database = Database(sqlite_url)
        feed = feed_of(database)
        event = feed.expect("run_1")
        steps: dict[str, Callable[[], object]] = {
            "expect": lambda: feed.expect("run_1"),
            "forget": lambda: feed.forget("run_1", event),
            "change": lambda: database.notifications.publish([("run", "run_1")]),
        }
        steps_run = interrupted(steps[step], line, feed.close)
        assert feed.is_closed is (line <= steps_run)
        assert not feed.is_closed or step == "forget" or await is_set(event)
        database.close()
        return steps_run

    def work_to_the_end() -> None:
        line = 1
        while line <= asyncio.run(work(line)):
            line += 1
        ended.set()

    ended = threading.Event()
    # In a thread of its own, because a deadlock would never end.
    threading.Thread(target=work_to_the_end, daemon=True).start()
    assert ended.wait(TIMEOUT_SECONDS), "the handler waits for the lock that its own thread holds"
