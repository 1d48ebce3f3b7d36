"""The part that providers with a queue have in common, in every situation of the conformance kit."""

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Literal, Protocol

from support.cases import Situation, Staged
from support.loopback import Asked, Loopback, Reply, loopback
from terrarium_server.engines import Engine, Job

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
            engine.close()

    return staged()
