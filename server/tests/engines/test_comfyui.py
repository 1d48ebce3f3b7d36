"""ComfyUI: recorded conversations with a real one, played back over real HTTP and a real websocket."""

import asyncio
import base64
import io
import json
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from support.cases.comfyui import CASE, WORKFLOWS, Comfy, engine_for, kind
from support.driving import content, driving
from support.loopback import Asked, Reply, loopback
from support.queued import Queue, held_after_jobs
from support.replay import replay
from support.server import DEADLINE
from support.sockets import websocket
from terrarium_server.engines import (
    Failed,
    Finished,
    Input,
    Job,
    Lost,
    Mark,
    Output,
    Progress,
    Refused,
    Ticket,
    Unknown,
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


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))


def pixel(output: Output, place: tuple[int, int]) -> Any:
    data = content(output)
    assert isinstance(data, bytes)
    return Image.open(io.BytesIO(data)).getpixel(place)


def test_a_workflow_is_filled_in_followed_and_fetched() -> None:
    with replay(TOLD / "steps.json") as server, driving(engine_for(server.url)) as driven:
        waiting, *before, end = driven.follow(driven.submit(job("run_steps", width=64, steps=3)))
    assert waiting == Progress(0.0)
    shown = [heard for heard in before if isinstance(heard, Progress)]
    assert [heard.fraction for heard in shown] == sorted(heard.fraction for heard in shown)
    assert 0 < shown[0].fraction < shown[-1].fraction < 1
    preview = next(heard.preview for heard in shown if heard.preview)
    assert preview.content_type == "image/jpeg" and isinstance(preview.data, bytes)
    assert Image.open(io.BytesIO(preview.data)).size == (64, 48)
    assert isinstance(end, Finished) and (end.outputs[0].width, end.outputs[0].height) == (64, 48)
    assert isinstance(end.outputs[0].data, Path)
    assert pixel(end.outputs[0], (5, 5)) == (0, 2, 188)  # colour 700


def test_a_picture_is_uploaded_under_the_name_of_what_is_in_it_and_previews_are_no_result(
    tmp_path: Path,
) -> None:
    picture = tmp_path / "in.png"
    picture.write_bytes(PLAIN)
    options = {"file": str(WORKFLOWS / "invert.json"), "inputs": {"image_url": "10.inputs.image"}}
    with replay(TOLD / "invert.json") as server, driving(engine_for(server.url)) as driven:
        inputs = {"image_url": (Input(picture, "image/png"),)}
        end = driven.made(job("run_invert", options, inputs, image_url="x"))
    assert isinstance(end, Finished) and len(end.outputs) == 1
    assert pixel(end.outputs[0], (3, 3)) == (54, 225, 165)


def test_what_a_node_does_not_take_is_told_with_node_and_field() -> None:
    with (
        replay(TOLD / "rejected.json") as server,
        driving(engine_for(server.url)) as driven,
        pytest.raises(Refused) as refused,
    ):
        driven.submit(job("run_wrong", width="wide", steps=3))
    assert refused.value.failure.code == "GENERATION_INPUT_VALIDATION"
    assert "node 1 (EmptyImage): Failed to convert" in refused.value.failure.message
    assert "width" in refused.value.failure.message


def test_a_node_without_memory_is_told() -> None:
    with replay(TOLD / "memory.json") as server, driving(engine_for(server.url)) as driven:
        end = driven.made(job("run_memory", fail=True))
    assert isinstance(end, Failed) and end.code == "GPU_PROVIDER_ERROR" and "node 2" in end.message


def ticket_of(name: str) -> Ticket:
    """A ticket as it is in databases."""
    turns = json.loads((TOLD / f"{name}.json").read_text("utf-8"))["turns"]
    prompt = turns[0]["request"]["path"].partition("clientId=")[2]
    return Ticket(json.dumps(["image", prompt], separators=(",", ":")))


def test_another_process_follows_a_prompt_from_its_ticket_alone() -> None:
    with replay(TOLD / "restart.json") as server, driving(engine_for(server.url)) as driven:
        first, *before, end = driven.follow(ticket_of("restart"))
    assert first == Progress(0.0)
    assert any(isinstance(heard, Progress) and heard.preview for heard in before)
    assert isinstance(end, Finished)


def test_a_prompt_at_work_is_stopped_and_known_as_stopped() -> None:
    with replay(TOLD / "cancel.json") as server, driving(engine_for(server.url)) as driven:
        ticket = driven.submit(job("run_stop", steps=200, seconds=0.1))
        driven.wait_until_at_work(ticket)
        driven.cancel(ticket)
    with replay(TOLD / "interrupted.json") as server, driving(engine_for(server.url)) as driven:
        (end,) = driven.follow(ticket_of("interrupted"))
    assert isinstance(end, Failed) and end.code == "GENERATION_CANCELLED"


def test_whoever_follows_a_prompt_hears_that_it_was_cancelled(
    part: Comfy, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kind, "_ASK_ANYWAY", 0.05)
    with driving(engine_for(url)) as driven:
        ticket = driven.submit(CASE.long_job("run_1"))
        news = driven.follow(ticket)
        assert isinstance(next(news), Progress)
        driven.cancel(ticket)
        assert list(news)[-1] == Lost()


@pytest.fixture
def part() -> Comfy:
    return Comfy(Queue(None))


@pytest.fixture
def sockets() -> list[Callable[[Asked, Any], None] | None]:
    """What becomes of websockets, one after the other: refused (None) or taken over; in the end as usual."""
    return []


@pytest.fixture
def url(part: Comfy, sockets: list[Any]) -> Iterator[str]:
    def answer(asked: Asked) -> Reply:
        if asked.path == "/ws" and sockets:
            take_over = sockets.pop(0)
            return Reply("", 403) if take_over is None else Reply(upgrade=take_over)
        return part.answer(asked, server)

    with loopback(answer) as server:
        yield server.url


def test_asking_does_where_no_websocket_gets_through(url: str, sockets: list[Any]) -> None:
    sockets.append(None)
    with driving(engine_for(url)) as driven:
        assert isinstance(driven.made(CASE.job("run_1")), Finished)


def test_a_websocket_that_talks_nonsense_and_breaks_fails_no_job(url: str, sockets: list[Any]) -> None:
    def nonsense() -> Iterator[str | bytes]:
        yield from ("no JSON", "[]", '{"type": "progress", "data": null}', "{}", b"", b"\0\0\0\1\0")
        yield json.dumps({"type": "progress", "data": {"value": "far", "max": []}})
        raise OSError("it breaks")

    sockets.append(websocket(nonsense()))
    with driving(engine_for(url)) as driven:
        assert isinstance(driven.made(CASE.job("run_1")), Finished)


def test_progress_stands_while_a_websocket_is_broken_and_nothing_can_be_asked(part: Comfy) -> None:
    def half_way() -> Iterator[str]:
        yield json.dumps({"type": "progress", "data": {"value": 5, "max": 10}})
        raise OSError("it breaks")

    asked_before: list[str] = []

    def answer(asked: Asked) -> Reply:
        if asked.path == "/ws":
            return Reply(upgrade=websocket(half_way()))
        if asked.path.startswith("/history"):
            asked_before.append(asked.path)
            # At first it is in the queue, then there is trouble, and then it is over.
            if len(asked_before) < 3:
                return Reply({}) if len(asked_before) == 1 else Reply("", 502)
        return part.answer(asked, server)

    with loopback(answer) as server, driving(engine_for(server.url)) as driven:
        *before, end = driven.follow(driven.submit(CASE.job("run_1")))
    assert [heard.fraction for heard in before if isinstance(heard, Progress)] == [0.0, 1 / 6, 1 / 6]
    assert isinstance(end, Finished)


def test_a_websocket_that_says_nothing_keeps_no_failure_back() -> None:
    # It was over before anybody followed it.
    part = Comfy(Queue("wrong_type"))

    def answer(asked: Asked) -> Reply:
        return Reply(upgrade=websocket([])) if asked.path == "/ws" else part.answer(asked, server)

    with loopback(answer) as server, driving(engine_for(server.url)) as driven:
        end = driven.made(CASE.job("run_1"))
    assert isinstance(end, Failed) and end.code == "GENERATION_INVALID_PROVIDER_RESPONSE"


def test_a_websocket_that_says_nothing_is_left_when_asking_is_in_trouble(
    part: Comfy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kind, "_ASK_ANYWAY", 0.05)
    left = threading.Event()

    def answer(asked: Asked) -> Reply:
        if asked.path == "/ws":
            return Reply(upgrade=take_over)
        if asked.path.startswith("/history") and not left.is_set():
            return Reply("", 502)
        return part.answer(asked, server)

    def take_over(asked: Asked, connection: Any) -> None:
        websocket([])(asked, connection)
        left.set()

    with loopback(answer) as server, driving(engine_for(server.url)) as driven:
        assert isinstance(driven.made(CASE.job("run_1")), Finished)


def test_leaving_closes_the_websocket(url: str, sockets: list[Any]) -> None:
    left = threading.Event()

    def take_over(asked: Asked, connection: Any) -> None:
        websocket([])(asked, connection)
        left.set()

    sockets.append(take_over)
    with driving(engine_for(url)) as driven:
        news = driven.follow(driven.submit(CASE.long_job("run_1")))
        assert isinstance(next(news), Progress)
        assert not left.is_set()
        news.close()
        assert left.wait(DEADLINE)


def test_a_follower_that_is_cancelled_closes_the_websocket(url: str, sockets: list[Any]) -> None:
    left = threading.Event()

    def take_over(asked: Asked, connection: Any) -> None:
        websocket([])(asked, connection)
        left.set()

    sockets.append(take_over)
    with driving(engine_for(url)) as driven:
        ticket = driven.submit(CASE.long_job("run_1"))

        begun = asyncio.Event()

        async def follow() -> None:
            async for heard in driven.engine.follow(ticket):
                assert isinstance(heard, Progress)
                begun.set()

        async def follow_for_a_moment() -> None:
            following = asyncio.create_task(follow())
            await begun.wait()
            following.cancel()
            await asyncio.wait([following])

        driven.wait(follow_for_a_moment())
        assert left.wait(DEADLINE)


def test_whoever_follows_a_prompt_that_says_nothing_hears_that_it_is_there(
    url: str, sockets: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kind, "_ASK_ANYWAY", 0.05)
    sockets.append(websocket([]))
    with driving(engine_for(url)) as driven:
        news = driven.follow(driven.submit(CASE.long_job("run_1")))
        assert [next(news) for _ in range(3)] == [Progress(0.0)] * 3
        news.close()


def test_the_same_job_is_the_same_prompt(url: str) -> None:
    with driving(engine_for(url)) as driven:
        tickets = [driven.submit(job(key)) for key in ("run_1", "run_1", "run_2")]
    assert tickets[0] == tickets[1] != tickets[2]


def test_a_prompt_that_is_given_another_id_is_followed_as_the_client_that_queued_it() -> None:
    queue = Queue(None)
    part = Comfy(queue)
    clients: list[str] = []

    def answer(asked: Asked) -> Reply:
        if asked.path == "/ws":
            clients.append(asked.query)
            return Reply(upgrade=websocket(news))
        if asked.path == "/prompt":
            # As ComfyUI did before prompts could bring their ids.
            body = asked.json()
            clients.append(f"clientId={body['client_id']}")
            return queue.take(body["prompt"], lambda name: Reply({"prompt_id": name, "node_errors": {}}))
        return part.answer(asked, server)

    def told(node: str | None) -> str:
        return json.dumps({"type": "executing", "data": {"node": node, "prompt_id": "job1"}})

    news = [told("1"), told("2"), told(None)]
    with loopback(answer) as server, driving(engine_for(server.url)) as driven:
        ticket = driven.submit(CASE.job("run_1"))
        assert isinstance(driven.end(ticket), Finished)
    assert json.loads(ticket)[1] == f"job1@{clients[0].partition('=')[2]}"
    assert clients[0] == clients[1]


def test_another_process_finds_a_prompt_in_the_queue_and_in_the_history(part: Comfy, url: str) -> None:
    waiting, over = CASE.long_job("run_1"), CASE.job("run_2")
    with driving(engine_for(url)) as driven:
        tickets = [driven.submit(waiting), driven.submit(over)]
    with driving(engine_for(url)) as driven:
        assert [driven.find(waiting), driven.find(over)] == tickets
        assert isinstance(driven.end(tickets[1]), Finished)
        assert driven.find(CASE.job("run_3")) is None
        # ComfyUI was started anew, and has forgotten everything.
        part.queue.requests.clear()
        assert driven.find(waiting) is None


@pytest.mark.parametrize("reply", [Reply("", 500), Reply("", 403), Reply("no JSON"), Reply(drops=True)])
def test_what_cannot_be_asked_is_not_said_to_have_not_arrived(reply: Reply) -> None:
    with loopback(lambda asked: reply) as server, driving(engine_for(server.url)) as driven:
        assert driven.find(CASE.job("run_1")) == Unknown()
        assert driven.wait(driven.engine.find(Mark("run_1"))) == Unknown()


def test_nothing_is_kept_of_jobs_that_are_over() -> None:
    few, many = held_after_jobs(CASE)
    assert many == few


def test_a_prompt_on_this_machine_is_followed_here() -> None:
    assert engine_for("http://127.0.0.1:8188").followers(Mark("")) == "machine"
    assert engine_for("http://10.0.0.7:8188").followers(Mark("")) == "anyone"


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
