"""An engine whose processes do what a job says, and what its tests share."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil

from support.driver import EngineDriver
from support.server import DEADLINE
from terrarium_server.engines import Failed, Finished, Job, Lost, Progress, Ticket
from terrarium_server.engines.processes import GIB, Limits, PooledEngine, ProcessPool

LIMITS = Limits(seconds=600, memory=2 * GIB)
Open = Callable[..., EngineDriver]


class ScriptedEngine(PooledEngine):
    def __init__(self, scratch: Path, **options: Any) -> None:
        pool = ProcessPool(
            "scripted_process", scratch=scratch, **{"processes": 1, "limits": LIMITS, **options}
        )
        super().__init__("scripted", pool)

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        return None

    def request(self, job: Job) -> dict[str, Any]:
        return dict(job.params)


def do(action: str, key: str = "run_1", **more: Any) -> Job:
    return Job(key, "scripted", "text", "", {"do": action, **more}, 7)


def children() -> set[psutil.Process]:
    return set(psutil.Process().children())


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def wait_until_gone(process: psutil.Process) -> None:
    """Wait until a process has ended, even if its new parent has not collected its status."""

    def is_gone() -> bool:
        try:
            return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    wait_until(is_gone)


def grandchild(driver: EngineDriver, ticket: Ticket) -> psutil.Process:
    """Return the program that the process of a job has started."""
    for update in driver.follow(ticket):
        assert isinstance(update, Progress)
        if update.preview is not None:
            return psutil.Process(int(str(update.preview.data)))
    raise AssertionError


def end_of(driver: EngineDriver, ticket: Ticket) -> Finished | Failed | Lost:
    """Return the end of a job whose progress may restart."""
    (end,) = [news for news in driver.follow(ticket) if not isinstance(news, Progress)]
    return end


def empty(scratch: Path) -> bool:
    return not any(scratch.iterdir())
