"""Replicate, played by a server on this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr

from support.cases import Case, Situation
from support.loopback import Asked, Loopback, Reply
from support.queued import LONG, SITUATIONS, Queue, stage
from terrarium_server.engines import Engine, Job, Setup
from terrarium_server.engines import replicate as kind

KEY = "r8_of_the_tests"


def now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def engine_for(url: str, **options: Any) -> kind.ReplicateEngine:
    made = kind.OPTIONS.model_validate({"url": f"{url}/v1", **options})
    return kind.build(Setup("replicate", 1, made, SecretStr(KEY), "REPLICATE_API_TOKEN"))


class Replicate:
    """Its predictions, as far as the engine asks."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue

    def answer(self, asked: Asked, server: Loopback) -> Reply:
        match asked.method, asked.path.removeprefix("/v1/").split("/"):
            case "POST", ["models", owner, name, "predictions"]:
                body = {"model": f"{owner}/{name}", "created_at": now(), **asked.json()}
                return self.queue.take(body, lambda name: Reply(self._prediction(name, "starting"), 201))
            case "POST", ["predictions", name, "cancel"] if name in self.queue.requests:
                told = self._prediction(name, "canceled")
                self.queue.cancel(name)
                return Reply(told)
            case "GET", ["predictions"]:
                names = reversed(list(self.queue.requests))
                return Reply({"results": [self._prediction(name, "processing") for name in names]})
            case "GET", ["predictions", name]:
                return self._look(name, server)
            case "GET", ["files", _]:
                return self.queue.picture()
            case _:
                return Reply({"detail": "The requested resource could not be found.", "status": 404}, 404)

    def _look(self, name: str, server: Loopback) -> Reply:
        asked = self.queue.requests.get(name, {"input": {}})["input"]
        match self.queue.stand(name, asked.get("prompt", "")):
            case "gone":
                return Reply({"detail": "The requested resource could not be found.", "status": 404}, 404)
            case "waiting":
                steps = min(self.queue.looks[name], 9)
                return Reply(self._prediction(name, "processing", logs=f"{steps}0%|███  | {steps}/10"))
            case "moderated":
                said = "NSFW content detected. Try running it again, or try a different prompt."
                return Reply(self._prediction(name, "failed", error=said))
            case "done":
                files = [f"{server.url}/v1/files/out-0.png"]
                return Reply(self._prediction(name, "succeeded", output=files))

    def _prediction(self, name: str, status: str, **more: Any) -> dict[str, Any]:
        return {"id": name, "status": status, "logs": "", **self.queue.requests[name], **more}


def _job(key: str, prompt: str = "a fern", **options: Any) -> Job:
    options = {"model": "black-forest-labs/flux-schnell", "seed": "seed", **options}
    return Job(key, "t2i-flux", "image", prompt, {"num_outputs": 1}, 7, options=options)


@contextmanager
def _open() -> Iterator[Engine]:
    with stage(Replicate, engine_for, _job, None) as staged:
        yield staged.engine


def _situation(situation: Situation) -> Any:
    return lambda: stage(Replicate, engine_for, _job, situation)


CASE = Case(
    _open,
    _job,
    lambda key: _job(key, LONG),
    lambda key: _job(key, model="flux"),
    "image/png",
    situations={situation: _situation(situation) for situation in SITUATIONS},
)
