"""A fake of fal's queue, on this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import SecretStr

from support.cases import Case, Situation
from support.loopback import Loopback, Reply, Request
from support.queued import LONG, SITUATIONS, Queue, engine_against
from terrarium_server.engines import Engine, Job
from terrarium_server.engines.fal import engine as kind
from terrarium_server.engines.setup import Setup

KEY = "fal-key-of-the-tests"
_NOT_FOUND = Reply({"detail": "Request not found", "error_type": "not_found"}, 404)
_MODERATED = {
    "loc": ["body", "prompt"],
    "msg": "The content could not be processed because it contained material flagged by a content checker.",
    "type": "content_policy_violation",
}


def engine_for(url: str, **options: Any) -> kind.FalEngine:
    checked = kind.OPTIONS.model_validate({"url": url, **options})
    return kind.build(Setup("fal", 1, checked, SecretStr(KEY), "FAL_KEY"))


class Fal:
    """The part of its API that the engine uses."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue

    def answer(self, request: Request, server: Loopback) -> Reply:
        match request.method, request.path.split("/")[1:]:
            case "POST", ["fal-ai", "flux", "schnell"]:
                return self.queue.take(request.json(), lambda name: self._queued(name, server))
            case "GET", ["fal-ai", "flux", "requests", name, "status"]:
                return self._status(name)
            case "GET", ["fal-ai", "flux", "requests", _]:
                if self.queue.situation == "moderated":
                    return Reply({"detail": [_MODERATED]}, 422, {"X-Fal-Retryable": "false"})
                return Reply({"images": [{"url": f"{server.url}/files/out.png"}], "seed": 7})
            case "PUT", ["fal-ai", "flux", "requests", name, "cancel"] if name in self.queue.requests:
                self.queue.cancel(name)
                return Reply({"status": "CANCELLATION_REQUESTED"}, 202)
            case "GET", ["files", _]:
                return self.queue.picture()
            case _:
                return _NOT_FOUND

    def _queued(self, name: str, server: Loopback) -> Reply:
        url = f"{server.url}/fal-ai/flux/requests/{name}"
        urls = {"status_url": f"{url}/status", "response_url": url, "cancel_url": f"{url}/cancel"}
        return Reply({"status": "IN_QUEUE", "request_id": name, "queue_position": 0, **urls})

    def _status(self, name: str) -> Reply:
        match self.queue.status(name, self.queue.requests.get(name, {}).get("prompt", "")):
            case "gone":
                return _NOT_FOUND
            case "waiting":
                return Reply({"status": "IN_PROGRESS", "request_id": name}, 202)
            case _:
                return Reply({"status": "COMPLETED", "request_id": name, "metrics": {"inference_time": 0.7}})


def _job(key: str, prompt: str = "a fern", **options: Any) -> Job:
    options = {"app": "fal-ai/flux/schnell", "seed": "seed", **options}
    return Job(key, "t2i-flux", "image", prompt, {"num_images": 1}, 7, options=options)


@contextmanager
def _open() -> Iterator[Engine]:
    with engine_against(Fal, engine_for, _job, None) as staged:
        yield staged.engine


def _situation(situation: Situation) -> Any:
    return lambda: engine_against(Fal, engine_for, _job, situation)


CASE = Case(
    _open,
    _job,
    lambda key: _job(key, LONG),
    lambda key: _job(key, app="../flux"),
    "image/png",
    situations={situation: _situation(situation) for situation in SITUATIONS},
)
