"""Events of a run and of a project, over connections that break."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import aclosing, closing, contextmanager
from typing import Any

import pytest

from terrarium import APIConnectionError, APIResponseValidationError, AsyncFlora, AuthenticationError, Flora
from terrarium.types import Event, RunProgress, StreamPosition

from .scripted import KEY, LOST, Clients, FakeTime, RecordedRequest, Response, ScriptedServer, refusal

STREAM = {"content-type": "text/event-stream; charset=utf-8"}


def block(type: str, data: dict[str, Any], id: int | None = None) -> bytes:
    line = f"id: {id}\n" if id is not None else ""
    return f"{line}event: {type}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def position(type: str, number: int | None) -> bytes:
    return b"retry: 1000\n" + block(type, {"number": number}, number)


def event(number: int, type: str = "run.started", run_id: str = "run_1", **data: Any) -> bytes:
    fields = {
        "number": number,
        "type": type,
        "run_id": run_id,
        "root_run_id": "run_1",
        "project_id": "prj_1",
        "actor": "system",
        "created_at": 1_700_000_000_000,
        **data,
    }
    return block(type, fields, number)


def progress(percent: int) -> bytes:
    return block("run.progress", {"run_id": "run_1", "root_run_id": "run_1", "progress": percent})


def streamed(*blocks: bytes, **headers: str) -> Response:
    return Response(200, b"".join(blocks), {**STREAM, **headers})


def cut(text: bytes) -> Response:
    """A response whose connection is closed before its end."""
    return streamed(text, **{"content-length": str(len(text) + 1)})


def seen(events: list[Any]) -> list[Any]:
    """The type of each event, with its number or progress."""
    return [(each.type, each.progress if isinstance(each, RunProgress) else each.number) for each in events]


END = event(9, "run.completed", status="completed")


def test_events_of_a_run_have_types_and_end_with_it(flora: Clients, server: ScriptedServer) -> None:
    member = event(5, "run.failed", "run_2", status="failed", error_code="LLM_REFUSAL", error_message="Nö.")
    server.script = [streamed(position("open", None), event(4), member, progress(40), END, event(10))]
    events = flora.all(lambda c: c.runs.events("run_1"))
    assert [type(each) for each in events] == [StreamPosition, Event, Event, RunProgress, Event]
    assert seen(events) == [
        ("open", None),
        ("run.started", 4),
        ("run.failed", 5),
        ("run.progress", 40),
        ("run.completed", 9),
    ]
    assert (events[2].run_id, events[2].error_code, events[2].error_message) == (
        "run_2",
        "LLM_REFUSAL",
        "Nö.",
    )
    (request,) = server.requests
    assert (request.path, request.headers["accept"]) == ("/api/v1/runs/run_1/events", "text/event-stream")
    assert "last-event-id" not in request.headers


def test_a_lost_connection_is_resumed_wherever_it_broke(flora: Clients, server: ScriptedServer) -> None:
    whole = position("open", 3) + event(4) + event(5) + progress(40) + event(6)

    def resumed(request: RecordedRequest) -> Response:
        after = int(request.headers.get("last-event-id", 3))
        return streamed(position("open", after), *(event(number) for number in range(after + 1, 7)))

    for end in range(0, len(whole), 23):
        server.script = [cut(whole[:end]), resumed, streamed(END)]
        events = flora.all(lambda c: c.runs.events("run_1"))
        numbered = [each.number for each in events if isinstance(each, Event)]
        assert numbered == [4, 5, 6, 9], f"cut after {end} bytes"
        assert [each.type for each in events].count("open") == 1


def test_a_connection_that_the_server_closes_is_opened_again_later(
    flora: Clients, server: ScriptedServer, time: FakeTime
) -> None:
    server.script = [
        streamed(b"retry: 2500\n" + block("open", {"number": 3}, 3)),
        streamed(event(4)),
        Response(204),
    ]
    assert seen(flora.all(lambda c: c.runs.events("run_1"))) == [("open", 3), ("run.started", 4)]
    assert [request.headers.get("last-event-id") for request in server.requests] == [None, "3", "4"]
    assert time.slept == [2.5, 1.0]


def test_the_waits_after_failures_grow(flora: Clients, server: ScriptedServer, time: FakeTime) -> None:
    server.script = [LOST, LOST, LOST, refusal(503, "service_unavailable", "Stopping."), LOST, streamed(END)]
    flora.all(lambda c: c.runs.events("run_1"))
    assert time.slept == [1.0, 1.0, 2.0, 4.0, 8.0]


def test_a_server_that_stays_away_is_an_error(flora: Clients, server: ScriptedServer, time: FakeTime) -> None:
    server.script = [streamed(position("open", 3)), *[LOST] * 20]
    with pytest.raises(APIConnectionError):
        flora.all(lambda c: c.runs.events("run_1"))
    assert 60 < time.at - 1000 < 75


def test_a_refusal_is_raised(flora: Clients, server: ScriptedServer) -> None:
    server.script = [streamed(position("open", 3)), refusal(401, "unauthorized", "Invalid API key.")]
    with pytest.raises(AuthenticationError):
        flora.all(lambda c: c.projects.events("prj_1"))


def test_something_else_than_events_is_an_error(flora: Clients, server: ScriptedServer) -> None:
    server.script = [Response(200, b"<html>", {"content-type": "text/html"})]
    with pytest.raises(APIResponseValidationError, match="text/html instead of events"):
        flora.all(lambda c: c.projects.events("prj_1"))


def test_the_caller_sees_that_events_were_missed(flora: Clients, server: ScriptedServer) -> None:
    server.script = [streamed(position("reset", 8)), streamed(position("open", 8), END)]
    assert seen(flora.all(lambda c: c.runs.events("run_1", after=2))) == [
        ("reset", 8),
        ("run.completed", 9),
    ]
    assert [request.headers["last-event-id"] for request in server.requests] == ["2", "8"]


def test_what_a_newer_server_sends_is_kept_or_skipped(flora: Clients, server: ScriptedServer) -> None:
    news = event(4, "run.paused", status="paused", until=7)
    server.script = [
        streamed(news, block("weather", {"sun": True}, 5), b"data: no json\n\n", b"data: []\n\n", END)
    ]
    events = flora.all(lambda c: c.runs.events("run_1"))
    assert seen(events) == [("run.paused", 4), ("run.completed", 9)]
    assert (events[0].status, events[0].until) == ("paused", 7)


def test_events_of_a_project_go_on_after_the_end_of_a_run(flora: Clients, server: ScriptedServer) -> None:
    server.script = [streamed(position("open", 3), END, event(10)), refusal(404, "not_found", "Not found.")]
    collected: list[Any] = []

    def collect(client: Any) -> Any:
        if flora.mode == "sync":
            collected.extend(client.projects.events("prj_1"))
            return None

        async def work() -> None:
            async for each in client.projects.events("prj_1"):
                collected.append(each)

        return work()

    with pytest.raises(Exception, match="Not found"):
        flora(collect)
    assert seen(collected) == [("open", 3), ("run.completed", 9), ("run.started", 10)]


@contextmanager
def endless_stream() -> Iterator[tuple[str, Callable[[], bool]]]:
    """The address of a server that sends one event, and whether its client then closes the connection."""
    was_closed = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.settimeout(10)
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + event(4))
                if not connection.recv(1):
                    was_closed.set()

        thread = threading.Thread(target=serve)
        thread.start()
        yield (
            f"http://127.0.0.1:{listening.getsockname()[1]}/api/v1",
            lambda: was_closed.wait(10),
        )
        thread.join()


def test_the_connection_is_closed_when_the_caller_stops() -> None:
    with endless_stream() as (url, was_closed), Flora(api_key=KEY, base_url=url) as client:
        with closing(client.projects.events("prj_1")) as events:
            assert next(events).type == "run.started"
        assert was_closed()
    with endless_stream() as (url, was_closed), Flora(api_key=KEY, base_url=url) as client:
        for each in client.projects.events("prj_1"):
            assert each.type == "run.started"
            break
        assert was_closed()


def test_the_asynchronous_connection_is_closed_when_the_caller_stops() -> None:
    async def stop_early(url: str, was_closed: Callable[[], bool]) -> None:
        async with AsyncFlora(api_key=KEY, base_url=url) as client:
            async with aclosing(client.projects.events("prj_1")) as events:
                assert (await anext(events)).type == "run.started"
            assert await asyncio.to_thread(was_closed)

    async def cancelled(url: str, was_closed: Callable[[], bool]) -> None:
        async with AsyncFlora(api_key=KEY, base_url=url) as client:
            first = asyncio.Event()

            async def listen() -> None:
                async for _ in client.projects.events("prj_1"):
                    first.set()

            listening = asyncio.create_task(listen())
            await first.wait()
            listening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await listening
            assert await asyncio.to_thread(was_closed)

    for stop in (stop_early, cancelled):
        with endless_stream() as (url, was_closed):
            asyncio.run(stop(url, was_closed))
