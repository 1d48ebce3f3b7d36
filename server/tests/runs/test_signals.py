"""Whoever waits for a run hears of its changes, and of the process's end."""

import asyncio
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from terrarium_server.runs import Signals

PATIENCE = 10.0


async def heard(event: asyncio.Event) -> bool:
    """Whether an event is set once all that is on its way has arrived."""
    await asyncio.sleep(0.01)
    return event.is_set()


def test_a_change_wakes_those_who_wait_for_this_run_once() -> None:
    async def wait() -> None:
        signals = Signals()
        first, second, other = signals.expect("run_1"), signals.expect("run_1"), signals.expect("run_2")
        await asyncio.to_thread(signals.changed, "run_1")
        assert await heard(first) and await heard(second)
        assert not await heard(other)
        # Whoever wants to hear of the next one says so again.
        again = signals.expect("run_1")
        assert not await heard(again)
        signals.changed("run_1")
        assert await heard(again)

    asyncio.run(wait())


def test_who_waits_no_longer_is_forgotten() -> None:
    async def wait() -> None:
        signals = Signals()
        gone, stays = signals.expect("run_1"), signals.expect("run_1")
        signals.forget("run_1", gone)
        signals.forget("run_1", gone)
        signals.forget("run_2", gone)
        signals.changed("run_1")
        assert await heard(stays) and not await heard(gone)

    asyncio.run(wait())


def test_a_loop_that_is_gone_is_passed_over() -> None:
    signals = Signals()

    async def wait() -> asyncio.Event:
        return signals.expect("run_1")

    asyncio.run(wait())
    signals.changed("run_1")
    signals.close()


def test_at_the_end_nobody_waits_any_more() -> None:
    async def wait() -> None:
        signals = Signals()
        waiting = [signals.expect(f"run_{number}") for number in range(3)]
        assert not signals.is_closed
        await asyncio.to_thread(signals.close)
        assert signals.is_closed
        assert [await heard(event) for event in waiting] == [True] * 3
        assert signals.expect("run_1").is_set()
        signals.close()

    asyncio.run(wait())


def interrupted(work: Callable[[], object], line: int, handler: Callable[[], None]) -> int:
    """Run ``work`` and, before the given line of `Signals`, a signal's handler; return how many there were.

    As the interpreter does it: in the same thread, between any two steps.
    """
    seen = 0

    def trace(frame: FrameType, event: str, _arg: Any) -> Any:
        nonlocal seen
        if not frame.f_code.co_filename.endswith("runs/_signals.py"):
            return None
        if event == "line":
            seen += 1
            if seen == line:
                handler()
        return trace

    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(None)
    return seen


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
        seen = interrupted(steps[step], line, signals.close)
        assert signals.is_closed is (line <= seen)
        return seen

    def work_to_the_end() -> None:
        line = 1
        while line <= asyncio.run(work(line)):
            line += 1
        ended.set()

    ended = threading.Event()
    # In a thread of its own, because one that waits for itself never ends.
    threading.Thread(target=work_to_the_end, daemon=True).start()
    assert ended.wait(PATIENCE), "the handler waits for the lock that its own thread holds"
