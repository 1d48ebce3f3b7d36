"""ComfyUI: recorded conversations with a real one, played back over real HTTP and a real websocket."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from support.cases.comfyui import WORKFLOWS, Comfy, engine_for
from support.loopback import Asked, Reply, loopback
from support.queued import Queue
from support.replay import replay
from terrarium_server.engines import (
    Engine,
    Failed,
    Finished,
    Input,
    Job,
    Look,
    Lost,
    Refused,
    Ticket,
    Waiting,
)
from terrarium_server.engines._comfyui.workflow import ComfyCard, UnusableCard

TOLD = Path(__file__).parent / "conversations" / "comfyui"
# 64 x 48 in one colour; the very bytes that were uploaded when this was recorded.
PLAIN = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAEAAAAAwCAIAAAAuKetIAAAAU0lEQVR4nO3PQQ3AIADAQEAIwlCMrIngcVnSU9DO"
    "u8/4s6UDXjWgNaA1oDWgNaA1oDWgNaA1oDWgNaA1oDWgNaA1oDWgNaA1oDWgNaA1oDWgNaB9KioBoMIGLOAAAAAASUVORK5CYII="
)
NODES = ("width", "1.inputs.width"), ("seed", "1.inputs.color")
STEPS = {
    "file": str(WORKFLOWS / "steps.json"),
    "inputs": dict(NODES) | {name: f"2.inputs.{name}" for name in ("steps", "seconds", "fail")},
}


def job(key: str, options: dict[str, Any] = STEPS, inputs: Any = None, **params: Any) -> Job:
    return Job(key, "m", "image", "a fern", params, 700, inputs or {}, options)


def looks(engine: Engine, ticket: Ticket) -> list[Look]:
    """Everything that is seen, to the end."""
    seen = [engine.look(ticket, wait_seconds=5)]
    while isinstance(seen[-1], Waiting):
        seen.append(engine.look(ticket, wait_seconds=5))
    return seen


def test_a_workflow_is_filled_in_followed_and_fetched() -> None:
    with replay(TOLD / "steps.json") as server:
        engine = engine_for(server.url)
        *waiting, end = looks(engine, engine.submit(job("run_steps", width=64, steps=3)))
        engine.close()
    shown = [seen for seen in waiting if isinstance(seen, Waiting)]
    assert [seen.progress for seen in shown] == sorted(seen.progress for seen in shown)
    assert 0 < shown[0].progress < shown[-1].progress < 1
    preview = next(seen.preview for seen in shown if seen.preview)
    assert preview.content_type == "image/jpeg" and isinstance(preview.data, bytes)
    assert Image.open(io.BytesIO(preview.data)).size == (64, 48)
    assert isinstance(end, Finished) and (end.outputs[0].width, end.outputs[0].height) == (64, 48)
    assert isinstance(end.outputs[0].data, bytes)
    assert Image.open(io.BytesIO(end.outputs[0].data)).getpixel((5, 5)) == (0, 2, 188)  # colour 700


def test_a_picture_is_uploaded_under_the_name_of_what_is_in_it_and_previews_are_no_result(
    tmp_path: Path,
) -> None:
    picture = tmp_path / "in.png"
    picture.write_bytes(PLAIN)
    options = {"file": str(WORKFLOWS / "invert.json"), "inputs": {"image_url": "10.inputs.image"}}
    with replay(TOLD / "invert.json") as server:
        engine = engine_for(server.url)
        inputs = {"image_url": (Input(picture, "image/png"),)}
        end = looks(engine, engine.submit(job("run_invert", options, inputs, image_url="x")))[-1]
        engine.close()
    assert isinstance(end, Finished) and len(end.outputs) == 1
    assert isinstance(end.outputs[0].data, bytes)
    assert Image.open(io.BytesIO(end.outputs[0].data)).getpixel((3, 3)) == (54, 225, 165)


def test_what_a_node_does_not_take_is_told_with_node_and_field() -> None:
    with replay(TOLD / "rejected.json") as server, pytest.raises(Refused) as refused:
        engine_for(server.url).submit(job("run_wrong", width="wide", steps=3))
    assert refused.value.failure.code == "GENERATION_INPUT_VALIDATION"
    assert "node 1 (EmptyImage): Failed to convert" in refused.value.failure.message
    assert "width" in refused.value.failure.message


def test_a_node_without_memory_is_told() -> None:
    with replay(TOLD / "memory.json") as server:
        engine = engine_for(server.url)
        end = looks(engine, engine.submit(job("run_memory", fail=True)))[-1]
        engine.close()
    assert isinstance(end, Failed) and end.code == "GPU_PROVIDER_ERROR" and "node 2" in end.message


def ticket_of(name: str) -> Ticket:
    turns = json.loads((TOLD / f"{name}.json").read_text("utf-8"))["turns"]
    prompt = turns[0]["request"]["path"].partition("clientId=")[2]
    return Ticket(json.dumps(["image", prompt], separators=(",", ":")))


def test_another_process_follows_a_prompt_from_its_ticket_alone() -> None:
    with replay(TOLD / "restart.json") as server:
        engine = engine_for(server.url)
        first, *waiting, end = looks(engine, ticket_of("restart"))
        engine.close()
    assert first == Waiting(0.0)
    assert any(isinstance(seen, Waiting) and seen.preview for seen in waiting) and isinstance(end, Finished)


def test_a_prompt_at_work_is_stopped_and_known_as_stopped() -> None:
    with replay(TOLD / "cancel.json") as server:
        engine = engine_for(server.url)
        ticket = engine.submit(job("run_stop", steps=200, seconds=0.1))
        engine.cancel(ticket)
        assert engine.look(ticket, wait_seconds=0.1) == Lost()
        engine.close()
    with replay(TOLD / "interrupted.json") as server:
        engine = engine_for(server.url)
        (end,) = looks(engine, ticket_of("interrupted"))
        engine.close()
    assert isinstance(end, Failed) and end.code == "GENERATION_CANCELLED"


def test_asking_does_where_no_websocket_gets_through() -> None:
    part = Comfy(Queue(None))

    def answer(asked: Asked) -> Reply:
        return Reply("", 403) if asked.path == "/ws" else part.answer(asked, server)

    with loopback(answer) as server:
        engine = engine_for(server.url)
        assert isinstance(looks(engine, engine.submit(job("run_1")))[-1], Finished)
        engine.close()


def test_the_same_job_is_the_same_prompt() -> None:
    part = Comfy(Queue(None))
    with loopback(lambda asked: part.answer(asked, server)) as server:
        engine = engine_for(server.url)
        tickets = [engine.submit(job(key)) for key in ("run_1", "run_1", "run_2")]
        engine.close()
    assert tickets[0] == tickets[1] != tickets[2]


@pytest.mark.parametrize(
    ("text", "options", "told"),
    [
        ('{"nodes": [], "links": []}', {}, "Export (API)"),
        ("[1]", {}, "no workflow in API format"),
        ('{"1": {"class_type": "X"}}', {}, "node 1 has no inputs"),
        ('{"1": {"inputs": {"a": 1}}}', {"inputs": {"prompt": "1.inputs.b"}}, "no field 1.inputs.b (a)"),
        ('{"1": {"inputs": {"a": 1}}}', {"inputs": {"prompt": "text"}}, "write NODE.inputs.FIELD"),
        ('{"1": {"inputs": {"a": 1}}}', {"output": "9"}, "no node 9"),
        (None, {}, "there is no workflow"),
        ("{}", {"outputs": "9"}, "outputs: Extra inputs"),
    ],
)
def test_a_wrong_workflow_is_told(tmp_path: Path, text: str | None, options: Any, told: str) -> None:
    if text is not None:
        (tmp_path / "w.json").write_text(text)
    card = {"file": str(tmp_path / "w.json"), **options}
    assert told in (engine_for("http://127.0.0.1:1").problem(card) or "")
    with pytest.raises(UnusableCard):
        ComfyCard.read(card).load()
