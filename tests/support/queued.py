"""What fake providers with a queue share, for every situation of the conformance kit."""

import base64
import threading
from collections.abc import Callable, Iterator, Sized
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Literal, Protocol

from support.cases import Case, ProviderCase, Situation
from support.driver import EngineDriver, content, drive_engine
from support.loopback import Loopback, Reply, Request, loopback
from terrarium_server.engines import Engine, Finished, Job, Progress

LONG = "a forest that takes its time"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNYVbgTAAMdAXR2BuoBAAAAAElFTkSuQmCC"
)
SITUATIONS: tuple[Situation, ...] = (
    "slow",
    "moderated",
    "busy",
    "hangs",
    "vanishes",
    "invalid",
    "wrong_type",
    "drops",
)


class Queue:
    """Accepts jobs, charges for each, and returns the status of one at each poll."""

    def __init__(self, situation: Situation | None) -> None:
        self.situation = situation
        self.charges = 0
        self.requests: dict[str, Any] = {}
        self.polls: dict[str, int] = {}
        self.lock = threading.Lock()

    def take(self, request: Any, accepted: Callable[[str], Reply], name: str | None = None) -> Reply:
        """Answer a request for a job; ``accepted`` makes the reply for one that was queued."""
        match self.situation:
            case "busy":
                return Reply({"detail": "Request was throttled."}, 429, {"Retry-After": "7"})
            case "hangs":
                return Reply(hangs=True)
            case "invalid":
                self.charges += 1
                return Reply("<html>It works!</html>")
            case _:
                pass
        with self.lock:
            self.charges += 1
            name = name or f"job{self.charges}"
            self.requests[name], self.polls[name] = request, 0
        return Reply(drops=True) if self.situation == "drops" else accepted(name)

    def cancel(self, name: str) -> None:
        """Remove a queued job."""
        self.requests.pop(name, None)

    def status(self, name: str, prompt: str) -> Literal["gone", "waiting", "moderated", "done"]:
        """Return the status of a job at this poll."""
        if name not in self.requests or self.situation == "vanishes":
            return "gone"
        self.polls[name] += 1
        if prompt == LONG or self.polls[name] <= (2 if self.situation == "slow" else 1):
            return "waiting"
        return "moderated" if self.situation == "moderated" else "done"

    def picture(self) -> Reply:
        return Reply(b"%PDF-1.7 and so on" if self.situation == "wrong_type" else PNG)


class FakeProvider(Protocol):
    """Answers the requests of an engine, with the jobs of a queue."""

    queue: Queue

    def answer(self, request: Request, server: Loopback) -> Reply: ...


def held_after_jobs(case: Case) -> tuple[dict[str, int], dict[str, int]]:
    """The sizes of an engine's collections after a few jobs, and after some more."""
    with case.open() as engine, drive_engine(engine) as driver:
        _run_some(driver, case, "first")
        few = _held(engine)
        for number in range(5):
            _run_some(driver, case, str(number))
        return few, _held(engine)


def _run_some(driver: EngineDriver, case: Case, key: str) -> None:
    """Run one job to its end, cancel one, and stop following one."""
    end = driver.run(case.job(f"{key}, finished"))
    assert isinstance(end, Finished) and content(end.outputs[0]) == PNG
    driver.cancel(driver.submit(case.long_job(f"{key}, cancelled")))
    news = driver.follow(driver.submit(case.long_job(f"{key}, left")))
    assert isinstance(next(news), Progress)
    news.close()


def _held(engine: Engine) -> dict[str, int]:
    parts = [vars(engine), vars(vars(engine)["provider"])]
    return {name: len(value) for part in parts for name, value in part.items() if isinstance(value, Sized)}


def engine_against(
    provider: Callable[[Queue], FakeProvider],
    engine_for: Callable[..., Engine],
    job: Callable[[str], Job],
    situation: Situation | None,
) -> AbstractContextManager[ProviderCase]:
    """An engine with a fake provider in this situation, or with one that works normally."""

    @contextmanager
    def staged() -> Iterator[ProviderCase]:
        fake = provider(Queue(situation))
        with loopback(lambda request: fake.answer(request, server)) as server:
            engine = engine_for(server.url, timeout_seconds=0.5 if situation == "hangs" else 60.0)
            yield ProviderCase(engine, job("run_1"), lambda: fake.queue.charges)

    return staged()
