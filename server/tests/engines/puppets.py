"""An engine whose processes do what a test says, and what these tests look at."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil

from support.driving import Driven
from support.server import DEADLINE
from terrarium_server.engines import Failed, Finished, Job, Lost, Progress, Ticket
from terrarium_server.engines._limits import GIB, Limits
from terrarium_server.engines._pooled import Pooled
from terrarium_server.engines._process import ProcessPool

LIMITS = Limits(seconds=600, memory=2 * GIB)
Open = Callable[..., Driven]


class Puppets(Pooled):
    def __init__(self, scratch: Path, **how: Any) -> None:
        pool = ProcessPool("puppet_process", scratch=scratch, **{"processes": 1, "limits": LIMITS, **how})
        super().__init__("puppets", pool)

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        return None

    def request(self, job: Job) -> dict[str, Any]:
        return dict(job.params)


def do(what: str, key: str = "run_1", **more: Any) -> Job:
    return Job(key, "puppet", "text", "", {"do": what, **more}, 7)


def children() -> set[psutil.Process]:
    return set(psutil.Process().children())


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def wait_until_gone(process: psutil.Process) -> None:
    """Wait for the end of a process that whoever inherited it may not have looked after yet."""

    def is_gone() -> bool:
        try:
            return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    wait_until(is_gone)


def grandchild(driven: Driven, ticket: Ticket) -> psutil.Process:
    """What the process of a job that stays started itself."""
    for heard in driven.follow(ticket):
        assert isinstance(heard, Progress)
        if heard.preview is not None:
            return psutil.Process(int(str(heard.preview.data)))
    raise AssertionError


def end_of(driven: Driven, ticket: Ticket) -> Finished | Failed | Lost:
    """How a job ends whose progress may begin again."""
    (end,) = [news for news in driven.follow(ticket) if not isinstance(news, Progress)]
    return end


def empty(scratch: Path) -> bool:
    return not any(scratch.iterdir())
