"""The part that providers with a queue have in common, in every situation of the conformance kit."""

import base64
import threading
from collections.abc import Callable, Iterator, Sized
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Literal, Protocol

from support.cases import Case, Situation, Staged
from support.driving import Driven, content, driving
from support.loopback import Asked, Loopback, Reply, loopback
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
    "rubbish",
    "wrong_type",
    "drops",
)


class Queue:
    """Takes jobs, charges for each, and says at each look how far one is."""

    def __init__(self, situation: Situation | None) -> None:
        self.situation = situation
        self.charges = 0
        self.requests: dict[str, Any] = {}
        self.looks: dict[str, int] = {}
        self.lock = threading.Lock()

    def take(self, request: Any, accepted: Callable[[str], Reply], name: str | None = None) -> Reply:
        """Answer a request to make something; ``accepted`` makes the answer of one that is in line now."""
        match self.situation:
            case "busy":
                return Reply({"detail": "Request was throttled."}, 429, {"Retry-After": "7"})
            case "hangs":
                return Reply(hangs=True)
            case "rubbish":
                self.charges += 1
                return Reply("<html>It works!</html>")
            case _:
                pass
        with self.lock:
            self.charges += 1
            name = name or f"job{self.charges}"
            self.requests[name], self.looks[name] = request, 0
        return Reply(drops=True) if self.situation == "drops" else accepted(name)

    def cancel(self, name: str) -> None:
        """Forget a job that is in line."""
        self.requests.pop(name, None)

    def stand(self, name: str, prompt: str) -> Literal["gone", "waiting", "moderated", "done"]:
        """How a job stands at this look."""
        if name not in self.requests or self.situation == "vanishes":
            return "gone"
        self.looks[name] += 1
        if prompt == LONG or self.looks[name] <= (2 if self.situation == "slow" else 1):
            return "waiting"
        return "moderated" if self.situation == "moderated" else "done"

    def picture(self) -> Reply:
        return Reply(b"%PDF-1.7 and so on" if self.situation == "wrong_type" else PNG)


class Player(Protocol):
    """Plays a provider on a queue."""

    queue: Queue

    def answer(self, asked: Asked, server: Loopback) -> Reply: ...


def held_after_jobs(case: Case) -> tuple[dict[str, int], dict[str, int]]:
    """How much an engine's collections hold after a few jobs, and after some more."""
    with case.open() as engine, driving(engine) as driven:
        _carry_some(driven, case, "first")
        few = _held(engine)
        for number in range(5):
            _carry_some(driven, case, str(number))
        return few, _held(engine)


def _carry_some(driven: Driven, case: Case, key: str) -> None:
    """Carry a job to its end, cancel one, and leave one."""
    made = driven.made(case.job(f"{key}, made"))
    assert isinstance(made, Finished) and content(made.outputs[0]) == PNG
    driven.cancel(driven.submit(case.long_job(f"{key}, cancelled")))
    news = driven.follow(driven.submit(case.long_job(f"{key}, left")))
    assert isinstance(next(news), Progress)
    news.close()


def _held(engine: Engine) -> dict[str, int]:
    parts = [vars(engine), vars(vars(engine)["_provider"])]
    return {name: len(value) for part in parts for name, value in part.items() if isinstance(value, Sized)}


def stage(
    player: Callable[[Queue], Player],
    engine_for: Callable[..., Engine],
    job: Callable[[str], Job],
    situation: Situation | None,
) -> AbstractContextManager[Staged]:
    """An engine before a provider in this situation, or before one without trouble."""

    @contextmanager
    def staged() -> Iterator[Staged]:
        played = player(Queue(situation))
        with loopback(lambda asked: played.answer(asked, server)) as server:
            engine = engine_for(server.url, timeout_seconds=0.5 if situation == "hangs" else 60.0)
            yield Staged(engine, job("run_1"), lambda: played.queue.charges)

    return staged()
