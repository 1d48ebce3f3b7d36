"""A ComfyUI server, played by one on this machine, websocket and all."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from support.cases import Case, Situation
from support.loopback import Asked, Loopback, Reply
from support.queued import LONG, SITUATIONS, Queue, stage
from support.sockets import websocket
from terrarium_server.engines import Engine, Job, Setup
from terrarium_server.engines import comfyui as kind

WORKFLOWS = Path(__file__).parents[1] / "workflows"
STEPS = {"width": "1.inputs.width", "seed": "1.inputs.color", "prompt": "3.inputs.filename_prefix"}
# What a node of a paid service raises; ComfyUI itself refuses nothing for content.
_MODERATED = {"node_id": "2", "node_type": "Paid", "exception_message": "Blocked by our safety system."}


def engine_for(url: str, **options: Any) -> kind.ComfyEngine:
    return kind.build(Setup("comfyui", 1, kind.OPTIONS.model_validate({"url": url, **options})))


class Comfy:
    """Its queue, its history and what it tells on the websocket."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue

    def answer(self, asked: Asked, server: Loopback) -> Reply:
        match asked.method, asked.path.split("/")[1:]:
            case "GET", ["ws"]:
                return Reply(upgrade=websocket(self._news(parse_qs(asked.query)["clientId"][0], server)))
            case "POST", ["prompt"]:
                body = asked.json()
                accepted = {"prompt_id": body["prompt_id"], "number": 0, "node_errors": {}}
                return self.queue.take(body["prompt"], lambda _: Reply(accepted), body["prompt_id"])
            case "GET", ["history", name]:
                return Reply(self._history(name))
            case "POST", ["queue"]:
                for name in asked.json()["delete"]:
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

    def _news(self, name: str, server: Loopback) -> Iterator[str]:
        yield json.dumps({"type": "status", "data": {"status": {}, "sid": name}})
        while name not in self.queue.requests and not server.ended.wait(0.01):
            pass
        steps = 1_000 if name in self.queue.requests and self._prompt(name) == LONG else 3
        yield self._told("executing", name, node="2")
        for step in range(1, steps + 1):
            if server.ended.wait(0.02):
                return
            yield self._told("progress", name, node="2", value=step, max=steps)
        yield self._told("executing", name, node=None)

    def _told(self, event: str, name: str, **data: Any) -> str:
        return json.dumps({"type": event, "data": {"prompt_id": name, **data}})


def _job(key: str, prompt: str = "a fern", workflow: str = "steps.json") -> Job:
    options = {"file": str(WORKFLOWS / workflow), "inputs": STEPS, "output": "3"}
    return Job(key, "t2i-comfy", "image", prompt, {"width": 64}, 7, options=options)


@contextmanager
def _open() -> Iterator[Engine]:
    with stage(Comfy, engine_for, _job, None) as staged:
        yield staged.engine


def _situation(situation: Situation) -> Any:
    return lambda: stage(Comfy, engine_for, _job, situation)


CASE = Case(
    _open,
    _job,
    lambda key: _job(key, LONG),
    lambda key: _job(key, workflow="nowhere.json"),
    "image/png",
    situations={situation: _situation(situation) for situation in SITUATIONS},
)
