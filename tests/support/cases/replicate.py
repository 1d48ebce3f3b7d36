"""A fake of Replicate, on this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr

from support.cases import Case, Situation
from support.loopback import Loopback, Reply, Request
from support.queued import LONG, SITUATIONS, Queue, engine_against
from terrarium_server.engines import Engine, Job
from terrarium_server.engines.replicate import engine as kind
from terrarium_server.engines.setup import Setup

KEY = "r8_of_the_tests"


def now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def engine_for(url: str, **options: Any) -> kind.ReplicateEngine:
    checked = kind.OPTIONS.model_validate({"url": f"{url}/v1", **options})
    return kind.build(Setup("replicate", 1, checked, SecretStr(KEY), "REPLICATE_API_TOKEN"))


class Replicate:
    """The part of its API that the engine uses."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue

    def answer(self, request: Request, server: Loopback) -> Reply:
        match request.method, request.path.removeprefix("/v1/").split("/"):
            case "POST", ["models", owner, name, "predictions"]:
                body = {"model": f"{owner}/{name}", "created_at": now(), **request.json()}
                return self.queue.take(body, lambda name: Reply(self._prediction(name, "starting"), 201))
            case "POST", ["predictions", name, "cancel"] if name in self.queue.requests:
                cancelled = self._prediction(name, "canceled")
                self.queue.cancel(name)
                return Reply(cancelled)
            case "GET", ["predictions"]:
                names = reversed(list(self.queue.requests))
                return Reply({"results": [self._prediction(name, "processing") for name in names]})
            case "GET", ["predictions", name]:
                return self._status(name, server)
            case "GET", ["files", _]:
                return self.queue.picture()
            case _:
                return Reply({"detail": "The requested resource could not be found.", "status": 404}, 404)

    def _status(self, name: str, server: Loopback) -> Reply:
        job_input = self.queue.requests.get(name, {"input": {}})["input"]
        match self.queue.status(name, job_input.get("prompt", "")):
            case "gone":
                return Reply({"detail": "The requested resource could not be found.", "status": 404}, 404)
            case "waiting":
                steps = min(self.queue.polls[name], 9)
                return Reply(self._prediction(name, "processing", logs=f"{steps}0%|███  | {steps}/10"))
            case "moderated":
                error = "NSFW content detected. Try running it again, or try a different prompt."
                return Reply(self._prediction(name, "failed", error=error))
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
    with engine_against(Replicate, engine_for, _job, None) as staged:
        yield staged.engine


def _situation(situation: Situation) -> Any:
    return lambda: engine_against(Replicate, engine_for, _job, situation)


CASE = Case(
    _open,
    _job,
    lambda key: _job(key, LONG),
    lambda key: _job(key, model="flux"),
    "image/png",
    situations={situation: _situation(situation) for situation in SITUATIONS},
)
