"""Requests that wait for a run are woken by its changes and by the end of the process."""

import asyncio
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from terrarium_server.runs import Signals

TIMEOUT_SECONDS = 10.0


async def is_set(event: asyncio.Event) -> bool:
    """Whether an event is set, after all pending callbacks."""
    await asyncio.sleep(0.01)
    return event.is_set()


def test_a_change_wakes_all_who_wait_for_this_run_once() -> None:
    async def wait() -> None:
        signals = Signals()
        first, second, other = signals.expect("run_1"), signals.expect("run_1"), signals.expect("run_2")
        await asyncio.to_thread(signals.changed, "run_1")
        assert await is_set(first) and await is_set(second)
        assert not await is_set(other)
        # For the next change, one waits again.
        again = signals.expect("run_1")
        assert not await is_set(again)
        signals.changed("run_1")
        assert await is_set(again)

    asyncio.run(wait())


def test_a_forgotten_event_is_not_set() -> None:
    async def wait() -> None:
        signals = Signals()
        forgotten, kept = signals.expect("run_1"), signals.expect("run_1")
        signals.forget("run_1", forgotten)
        signals.forget("run_1", forgotten)
        signals.forget("run_2", forgotten)
        signals.changed("run_1")
        assert await is_set(kept) and not await is_set(forgotten)

    asyncio.run(wait())


def test_a_closed_loop_is_skipped() -> None:
    signals = Signals()

    async def wait() -> asyncio.Event:
        return signals.expect("run_1")

    asyncio.run(wait())
    signals.changed("run_1")
    signals.close()


def test_closing_wakes_everyone() -> None:
    async def wait() -> None:
        signals = Signals()
        waiting = [signals.expect(f"run_{number}") for number in range(3)]
        assert not signals.is_closed
        await asyncio.to_thread(signals.close)
        assert signals.is_closed
        assert [await is_set(event) for event in waiting] == [True] * 3
        assert signals.expect("run_1").is_set()
        signals.close()

    asyncio.run(wait())


def interrupted(work: Callable[[], object], line: int, handler: Callable[[], None]) -> int:
    """Run ``work``, with a signal's handler before the given line of `Signals`; return how many lines ran.

    The interpreter runs handlers like this: in the same thread, between any two steps.
    """
    steps_run = 0

    def trace(frame: FrameType, event: str, _arg: Any) -> Any:
        nonlocal steps_run
        if not frame.f_code.co_filename.endswith("runs/_signals.py"):
            return None
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


@pytest.mark.parametrize("step", ["expect", "forget", "changed"])
def test_a_stop_signal_may_come_at_any_moment(step: str) -> None:
    """The handler of a stop signal runs in the loop's own thread and closes the signals."""

    async def work(line: int) -> int:
        signals = Signals()
        event = signals.expect("run_1")
        steps: dict[str, Callable[[], object]] = {
            "expect": lambda: signals.expect("run_1"),
            "forget": lambda: signals.forget("run_1", event),
            "changed": lambda: signals.changed("run_1"),
        }
        steps_run = interrupted(steps[step], line, signals.close)
        assert signals.is_closed is (line <= steps_run)
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
