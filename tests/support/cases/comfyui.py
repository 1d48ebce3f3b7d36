"""A fake ComfyUI server with its websocket, on this machine."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from support.cases import Case, Situation
from support.loopback import Loopback, Reply, Request
from support.queued import LONG, SITUATIONS, Queue, engine_against
from support.sockets import websocket
from terrarium_server.engines import Engine, Job
from terrarium_server.engines.comfyui import engine as kind
from terrarium_server.engines.setup import Setup

WORKFLOWS = Path(__file__).parents[1] / "workflows"
STEPS = {"width": "1.inputs.width", "seed": "1.inputs.color", "prompt": "3.inputs.filename_prefix"}
# What a node of a paid service raises; ComfyUI itself refuses nothing for content.
_MODERATED = {"node_id": "2", "node_type": "Paid", "exception_message": "Blocked by our safety system."}


def engine_for(url: str, **options: Any) -> kind.ComfyEngine:
    return kind.build(Setup("comfyui", 1, kind.OPTIONS.model_validate({"url": url, **options})))


class Comfy:
    """Its queue, its history and the events of its websocket."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue

    def answer(self, request: Request, server: Loopback) -> Reply:
        match request.method, request.path.split("/")[1:]:
            case "GET", ["ws"]:
                return Reply(upgrade=websocket(self._events(parse_qs(request.query)["clientId"][0], server)))
            case "POST", ["prompt"]:
                body = request.json()
                accepted = {"prompt_id": body["prompt_id"], "number": 0, "node_errors": {}}
                return self.queue.take(body["prompt"], lambda _: Reply(accepted), body["prompt_id"])
            case "GET", ["history", name]:
                return Reply(self._history(name))
            case "POST", ["queue"]:
                for name in request.json()["delete"]:
                    self.queue.cancel(name)
                return Reply()
            case "GET", ["queue"]:
                running = [] if self.queue.situation == "vanishes" else list(self.queue.requests.items())
                items = [[0, name, graph, {}, ["3"]] for name, graph in running]
                return Reply({"queue_running": items, "queue_pending": []})
            case "GET", ["view"]:
                return self.queue.picture()
            case _:
                return Reply()

    def _history(self, name: str) -> dict[str, Any]:
        if name not in self.queue.requests or self._prompt(name) == LONG:
            return {}
        match self.queue.situation:
            case "vanishes":
                return {}
            case "moderated":
                status = {"status_str": "error", "messages": [["execution_error", _MODERATED]]}
                return {name: {"status": status, "outputs": {}}}
            case _:
                file = {"filename": "a fern_00001_.png", "subfolder": "", "type": "output"}
                status = {"status_str": "success", "messages": []}
                return {name: {"status": status, "outputs": {"3": {"images": [file]}}}}

    def _prompt(self, name: str) -> str:
        return self.queue.requests[name]["3"]["inputs"]["filename_prefix"]

    def _events(self, name: str, server: Loopback) -> Iterator[str]:
        yield json.dumps({"type": "status", "data": {"status": {}, "sid": name}})
        while name not in self.queue.requests and not server.ended.wait(0.01):
            pass
        steps = 1_000 if name in self.queue.requests and self._prompt(name) == LONG else 3
        yield self._event("executing", name, node="2")
        for step in range(1, steps + 1):
            if server.ended.wait(0.02):
                return
            yield self._event("progress", name, node="2", value=step, max=steps)
        yield self._event("executing", name, node=None)

    def _event(self, event: str, name: str, **data: Any) -> str:
        return json.dumps({"type": event, "data": {"prompt_id": name, **data}})


def _job(key: str, prompt: str = "a fern", workflow: str = "steps.json") -> Job:
    options = {"file": str(WORKFLOWS / workflow), "inputs": STEPS, "output": "3"}
    return Job(key, "t2i-comfy", "image", prompt, {"width": 64}, 7, options=options)


@contextmanager
def _open() -> Iterator[Engine]:
    with engine_against(Comfy, engine_for, _job, None) as staged:
        yield staged.engine


def _situation(situation: Situation) -> Any:
    return lambda: engine_against(Comfy, engine_for, _job, situation)


CASE = Case(
    _open,
    _job,
    lambda key: _job(key, LONG),
    lambda key: _job(key, workflow="nowhere.json"),
    "image/png",
    situations={situation: _situation(situation) for situation in SITUATIONS},
)
