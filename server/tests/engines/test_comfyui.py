"""ComfyUI: conversations recorded with a real server, replayed over real HTTP and a real websocket."""

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
from support.driver import content, drive_engine
from support.loopback import Reply, Request, loopback
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
from terrarium_server.engines.comfyui.workflow import ComfyCard

CONVERSATIONS = Path(__file__).parent / "conversations" / "comfyui"
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
    with replay(CONVERSATIONS / "steps.json") as server, drive_engine(engine_for(server.url)) as driver:
        waiting, *before, end = driver.follow(driver.submit(job("run_steps", width=64, steps=3)))
    assert waiting == Progress(0.0)
    shown = [news for news in before if isinstance(news, Progress)]
    assert [news.fraction for news in shown] == sorted(news.fraction for news in shown)
    assert 0 < shown[0].fraction < shown[-1].fraction < 1
    preview = next(news.preview for news in shown if news.preview)
    assert preview.content_type == "image/jpeg" and isinstance(preview.data, bytes)
    assert Image.open(io.BytesIO(preview.data)).size == (64, 48)
    assert isinstance(end, Finished) and (end.outputs[0].width, end.outputs[0].height) == (64, 48)
    assert isinstance(end.outputs[0].data, Path)
    assert pixel(end.outputs[0], (5, 5)) == (0, 2, 188)  # colour 700


def test_a_picture_is_uploaded_under_a_name_from_its_content_and_previews_are_no_result(
    tmp_path: Path,
) -> None:
    picture = tmp_path / "in.png"
    picture.write_bytes(PLAIN)
    options = {"file": str(WORKFLOWS / "invert.json"), "inputs": {"image_url": "10.inputs.image"}}
    with replay(CONVERSATIONS / "invert.json") as server, drive_engine(engine_for(server.url)) as driver:
        inputs = {"image_url": (Input(picture, "image/png"),)}
        end = driver.run(job("run_invert", options, inputs, image_url="x"))
    assert isinstance(end, Finished) and len(end.outputs) == 1
    assert pixel(end.outputs[0], (3, 3)) == (54, 225, 165)


def test_a_value_that_a_node_does_not_accept_is_reported_with_node_and_field() -> None:
    with (
        replay(CONVERSATIONS / "rejected.json") as server,
        drive_engine(engine_for(server.url)) as driver,
        pytest.raises(Refused) as refused,
    ):
        driver.submit(job("run_wrong", width="wide", steps=3))
    assert refused.value.failure.code == "GENERATION_INPUT_VALIDATION"
    assert "node 1 (EmptyImage): Failed to convert" in refused.value.failure.message
    assert "width" in refused.value.failure.message


def test_a_node_that_runs_out_of_memory_is_reported() -> None:
    with replay(CONVERSATIONS / "memory.json") as server, drive_engine(engine_for(server.url)) as driver:
        end = driver.run(job("run_memory", fail=True))
    assert isinstance(end, Failed) and end.code == "GPU_PROVIDER_ERROR" and "node 2" in end.message


def ticket_of(name: str) -> Ticket:
    """A ticket in the form that is stored in databases."""
    turns = json.loads((CONVERSATIONS / f"{name}.json").read_text("utf-8"))["turns"]
    prompt = turns[0]["request"]["path"].partition("clientId=")[2]
    return Ticket(json.dumps(["image", prompt], separators=(",", ":")))


def test_another_process_follows_a_prompt_from_its_ticket_alone() -> None:
    with replay(CONVERSATIONS / "restart.json") as server, drive_engine(engine_for(server.url)) as driver:
        first, *before, end = driver.follow(ticket_of("restart"))
    assert first == Progress(0.0)
    assert any(isinstance(news, Progress) and news.preview for news in before)
    assert isinstance(end, Finished)


def test_a_running_prompt_is_interrupted_and_reported_as_cancelled() -> None:
    with replay(CONVERSATIONS / "cancel.json") as server, drive_engine(engine_for(server.url)) as driver:
        ticket = driver.submit(job("run_stop", steps=200, seconds=0.1))
        driver.wait_until_started(ticket)
        driver.cancel(ticket)
    with replay(CONVERSATIONS / "interrupted.json") as server, drive_engine(engine_for(server.url)) as driver:
        (end,) = driver.follow(ticket_of("interrupted"))
    assert isinstance(end, Failed) and end.code == "GENERATION_CANCELLED"


def test_a_follower_learns_that_its_prompt_was_cancelled(
    fake: Comfy, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kind, "_POLL_ANYWAY", 0.05)
    with drive_engine(engine_for(url)) as driver:
        ticket = driver.submit(CASE.long_job("run_1"))
        news = driver.follow(ticket)
        assert isinstance(next(news), Progress)
        driver.cancel(ticket)
        assert list(news)[-1] == Lost()


@pytest.fixture
def fake() -> Comfy:
    return Comfy(Queue(None))


@pytest.fixture
def sockets() -> list[Callable[[Request, Any], None] | None]:
    """What happens to the first websockets: refused (None) or handled by a function."""
    return []


@pytest.fixture
def url(fake: Comfy, sockets: list[Any]) -> Iterator[str]:
    def answer(request: Request) -> Reply:
        if request.path == "/ws" and sockets:
            take_over = sockets.pop(0)
            return Reply("", 403) if take_over is None else Reply(upgrade=take_over)
        return fake.answer(request, server)

    with loopback(answer) as server:
        yield server.url


def test_polling_is_enough_where_no_websocket_can_be_opened(url: str, sockets: list[Any]) -> None:
    sockets.append(None)
    with drive_engine(engine_for(url)) as driver:
        assert isinstance(driver.run(CASE.job("run_1")), Finished)


def test_a_websocket_that_sends_nonsense_and_breaks_fails_no_job(url: str, sockets: list[Any]) -> None:
    def nonsense() -> Iterator[str | bytes]:
        yield from ("no JSON", "[]", '{"type": "progress", "data": null}', "{}", b"", b"\0\0\0\1\0")
        yield json.dumps({"type": "progress", "data": {"value": "far", "max": []}})
        raise OSError("it breaks")

    sockets.append(websocket(nonsense()))
    with drive_engine(engine_for(url)) as driver:
        assert isinstance(driver.run(CASE.job("run_1")), Finished)


def test_progress_stays_while_the_websocket_is_broken_and_polling_fails(fake: Comfy) -> None:
    def half_way() -> Iterator[str]:
        yield json.dumps({"type": "progress", "data": {"value": 5, "max": 10}})
        raise OSError("it breaks")

    polls: list[str] = []

    def answer(request: Request) -> Reply:
        if request.path == "/ws":
            return Reply(upgrade=websocket(half_way()))
        if request.path.startswith("/history"):
            polls.append(request.path)
            # At first it is in the queue, then one poll fails, and then it is over.
            if len(polls) < 3:
                return Reply({}) if len(polls) == 1 else Reply("", 502)
        return fake.answer(request, server)

    with loopback(answer) as server, drive_engine(engine_for(server.url)) as driver:
        *before, end = driver.follow(driver.submit(CASE.job("run_1")))
    assert [news.fraction for news in before if isinstance(news, Progress)] == [0.0, 1 / 6, 1 / 6]
    assert isinstance(end, Finished)


def test_a_silent_websocket_delays_no_failure() -> None:
    # The prompt is over before it is followed.
    fake = Comfy(Queue("wrong_type"))

    def answer(request: Request) -> Reply:
        return Reply(upgrade=websocket([])) if request.path == "/ws" else fake.answer(request, server)

    with loopback(answer) as server, drive_engine(engine_for(server.url)) as driver:
        end = driver.run(CASE.job("run_1"))
    assert isinstance(end, Failed) and end.code == "GENERATION_INVALID_PROVIDER_RESPONSE"


def test_a_silent_websocket_is_closed_when_polling_fails(
    fake: Comfy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kind, "_POLL_ANYWAY", 0.05)
    left = threading.Event()

    def answer(request: Request) -> Reply:
        if request.path == "/ws":
            return Reply(upgrade=take_over)
        if request.path.startswith("/history") and not left.is_set():
            return Reply("", 502)
        return fake.answer(request, server)

    def take_over(request: Request, connection: Any) -> None:
        websocket([])(request, connection)
        left.set()

    with loopback(answer) as server, drive_engine(engine_for(server.url)) as driver:
        assert isinstance(driver.run(CASE.job("run_1")), Finished)


def test_a_follower_that_stops_closes_the_websocket(url: str, sockets: list[Any]) -> None:
    left = threading.Event()

    def take_over(request: Request, connection: Any) -> None:
        websocket([])(request, connection)
        left.set()

    sockets.append(take_over)
    with drive_engine(engine_for(url)) as driver:
        news = driver.follow(driver.submit(CASE.long_job("run_1")))
        assert isinstance(next(news), Progress)
        assert not left.is_set()
        news.close()
        assert left.wait(DEADLINE)


def test_a_follower_that_is_cancelled_closes_the_websocket(url: str, sockets: list[Any]) -> None:
    left = threading.Event()

    def take_over(request: Request, connection: Any) -> None:
        websocket([])(request, connection)
        left.set()

    sockets.append(take_over)
    with drive_engine(engine_for(url)) as driver:
        ticket = driver.submit(CASE.long_job("run_1"))

        begun = asyncio.Event()

        async def follow() -> None:
            async for news in driver.engine.follow(ticket):
                assert isinstance(news, Progress)
                begun.set()

        async def follow_for_a_moment() -> None:
            following = asyncio.create_task(follow())
            await begun.wait()
            following.cancel()
            await asyncio.wait([following])

        driver.wait(follow_for_a_moment())
        assert left.wait(DEADLINE)


def test_a_silent_prompt_is_reported_as_running(
    url: str, sockets: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kind, "_POLL_ANYWAY", 0.05)
    sockets.append(websocket([]))
    with drive_engine(engine_for(url)) as driver:
        news = driver.follow(driver.submit(CASE.long_job("run_1")))
        assert [next(news) for _ in range(3)] == [Progress(0.0)] * 3
        news.close()


def test_the_same_job_is_the_same_prompt(url: str) -> None:
    with drive_engine(engine_for(url)) as driver:
        tickets = [driver.submit(job(key)) for key in ("run_1", "run_1", "run_2")]
    assert tickets[0] == tickets[1] != tickets[2]


def test_a_prompt_with_an_id_of_comfyui_is_followed_as_the_client_that_queued_it() -> None:
    queue = Queue(None)
    fake = Comfy(queue)
    clients: list[str] = []

    def answer(request: Request) -> Reply:
        if request.path == "/ws":
            clients.append(request.query)
            return Reply(upgrade=websocket(news))
        if request.path == "/prompt":
            # Older versions of ComfyUI choose the id themselves.
            body = request.json()
            clients.append(f"clientId={body['client_id']}")
            return queue.take(body["prompt"], lambda name: Reply({"prompt_id": name, "node_errors": {}}))
        return fake.answer(request, server)

    def executing(node: str | None) -> str:
        return json.dumps({"type": "executing", "data": {"node": node, "prompt_id": "job1"}})

    news = [executing("1"), executing("2"), executing(None)]
    with loopback(answer) as server, drive_engine(engine_for(server.url)) as driver:
        ticket = driver.submit(CASE.job("run_1"))
        assert isinstance(driver.end(ticket), Finished)
    assert json.loads(ticket)[1] == f"job1@{clients[0].partition('=')[2]}"
    assert clients[0] == clients[1]


def test_another_process_finds_a_prompt_in_the_queue_and_in_the_history(fake: Comfy, url: str) -> None:
    waiting, over = CASE.long_job("run_1"), CASE.job("run_2")
    with drive_engine(engine_for(url)) as driver:
        tickets = [driver.submit(waiting), driver.submit(over)]
    with drive_engine(engine_for(url)) as driver:
        assert [driver.find(waiting), driver.find(over)] == tickets
        assert isinstance(driver.end(tickets[1]), Finished)
        assert driver.find(CASE.job("run_3")) is None
        # ComfyUI was restarted and has forgotten everything.
        fake.queue.requests.clear()
        assert driver.find(waiting) is None


@pytest.mark.parametrize("reply", [Reply("", 500), Reply("", 403), Reply("no JSON"), Reply(drops=True)])
def test_a_search_that_fails_returns_unknown(reply: Reply) -> None:
    with loopback(lambda request: reply) as server, drive_engine(engine_for(server.url)) as driver:
        assert driver.find(CASE.job("run_1")) == Unknown()
        assert driver.wait(driver.engine.find(Mark("run_1"))) == Unknown()


def test_an_engine_keeps_nothing_of_jobs_that_are_over() -> None:
    few, many = held_after_jobs(CASE)
    assert many == few


def test_a_prompt_on_this_machine_is_followed_only_here() -> None:
    assert engine_for("http://127.0.0.1:8188").followers(Mark("")) == "machine"
    assert engine_for("http://10.0.0.7:8188").followers(Mark("")) == "anyone"


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ('{"nodes": [], "links": []}', {}, "Export (API)"),
        ("[1]", {}, "no workflow in API format"),
        ('{"1": {"class_type": "X"}}', {}, "node 1 has no inputs"),
        ('{"1": {"inputs": {"a": 1}}}', {"inputs": {"prompt": "1.inputs.b"}}, "no field 1.inputs.b (a)"),
        ('{"1": {"inputs": {"a": 1}}}', {"inputs": {"prompt": "text"}}, "write NODE.inputs.FIELD"),
        ('{"1": {"inputs": {"a": 1}}}', {"output": "9"}, "no node 9"),
        (None, {}, "there is no workflow"),
        ("{}", {"outputs": "9"}, "outputs: unknown; known here: file"),
    ],
)
def test_a_wrong_workflow_is_reported(tmp_path: Path, text: str | None, options: Any, message: str) -> None:
    if text is not None:
        (tmp_path / "w.json").write_text(text)
    card = {"file": str(tmp_path / "w.json"), **options}
    assert message in (engine_for("http://127.0.0.1:1").problem(card) or "")
    with pytest.raises(ValueError):
        ComfyCard.read(card)
