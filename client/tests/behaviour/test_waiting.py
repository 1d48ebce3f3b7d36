"""Waiting for a run, with and without a server that supports long polls."""

from typing import Any

import pytest

from terrarium import APIConnectionError, NotFoundError, RunFailedError, WaitTimeout

from .scripted import LOST, Clients, FakeTime, RecordedRequest, Response, ScriptedServer, refusal, run

DONE = run(status="completed", progress=100, completed_at=2, charged_cost=0.004)
FAILED = run(status="failed", progress=100, error_code="GENERATION_PROMPT_MODERATED", error_message="No.")


def wait(client: Any, **options: Any) -> Any:
    return client.runs.wait("run_1", **options)


def long_poll(time: FakeTime, seconds: float, body: Any = None, etag: str = '"2"') -> Any:
    """The response to a long poll, after some seconds; without a body the run has not changed."""

    def respond(request: RecordedRequest) -> Response:
        time.at += seconds
        headers = {"preference-applied": request.headers["prefer"], "etag": etag}
        return Response(200 if body else 304, body, headers)

    return respond


def test_long_polls_report_every_change(flora: Clients, server: ScriptedServer, time: FakeTime) -> None:
    server.script = [
        Response(200, run(status="pending", progress=0), {"etag": '"1"'}),
        long_poll(time, 25.0),
        long_poll(time, 3.0, run(progress=40)),
        long_poll(time, 0.02, run(progress=41), etag='"3"'),
        long_poll(time, 1.0, DONE),
    ]
    reported: list[Any] = []
    assert flora(lambda c: wait(c, on_progress=reported.append)).status == "completed"
    assert [(each.status, each.progress) for each in reported] == [
        ("pending", 0),
        ("running", 40),
        ("running", 41),
        ("completed", 100),
    ]
    assert [request.headers.get("prefer") for request in server.requests] == [None, *["wait=25"] * 4]
    assert [request.headers.get("if-none-match") for request in server.requests] == [
        None,
        '"1"',
        '"1"',
        '"2"',
        '"3"',
    ]
    # Polls with quick responses are a little apart.
    assert time.slept == [0.1, 0.08]


def test_without_long_polls_the_intervals_grow(
    flora: Clients, server: ScriptedServer, time: FakeTime
) -> None:
    server.script = [Response(200, run())] * 8 + [Response(200, DONE)]
    reported: list[Any] = []
    flora(lambda c: wait(c, on_progress=reported.append))
    assert time.slept == [0.1, 1.0, 1.5, 2.25, 3.375, 5.0, 5.0, 5.0]
    assert len(reported) == 2


def test_a_server_that_only_claims_long_polls_is_not_polled_in_a_tight_loop(
    flora: Clients, server: ScriptedServer, time: FakeTime
) -> None:
    server.script = [
        Response(200, run(), {"etag": '"1"'}),
        long_poll(time, 0),
        long_poll(time, 0),
        Response(200, DONE),
    ]
    flora(wait)
    assert time.slept == [0.1, 1.0, 1.5]


def test_the_interval_can_be_set_and_retry_after_overrides_it(
    flora: Clients, server: ScriptedServer, time: FakeTime
) -> None:
    server.script = [
        Response(200, run()),
        Response(200, run()),
        Response(200, run(), {"retry-after": "7"}),
        Response(200, run()),
        Response(200, DONE),
    ]
    flora(lambda c: wait(c, poll_interval=2.0))
    assert time.slept == [0.1, 2.0, 7.0, 2.0]


def test_a_failed_run_is_raised_or_returned(flora: Clients, server: ScriptedServer) -> None:
    server.script = [Response(200, FAILED), Response(200, FAILED)]
    with pytest.raises(RunFailedError) as caught:
        flora(wait)
    assert (caught.value.code, caught.value.message) == ("GENERATION_PROMPT_MODERATED", "No.")
    assert caught.value.run.run_id == "run_1"
    assert str(caught.value) == "No. (GENERATION_PROMPT_MODERATED, run_1)"
    assert flora(lambda c: wait(c, raise_on_failure=False)).status == "failed"


def test_an_unknown_final_status_is_a_failure(flora: Clients, server: ScriptedServer) -> None:
    server.script = [Response(200, run(status="cancelled", completed_at=5))]
    with pytest.raises(RunFailedError, match="without saying why"):
        flora(wait)


def test_a_timeout_is_kept_exactly(flora: Clients, server: ScriptedServer, time: FakeTime) -> None:
    server.script = [
        Response(200, run(progress=30), {"etag": '"1"'}),
        long_poll(time, 8.0),
        long_poll(time, 1.0),
    ]
    server.script += [Response(304)]
    with pytest.raises(WaitTimeout, match="run_1 did not end within 10 s") as caught:
        flora(lambda c: wait(c, timeout=10))
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.run_id == "run_1"
    assert caught.value.run
    assert caught.value.run.progress == 30
    assert [request.headers.get("prefer") for request in server.requests] == [None, "wait=9", "wait=1", None]
    assert time.at == 1010


def test_a_timeout_of_zero_polls_once(flora: Clients, server: ScriptedServer, time: FakeTime) -> None:
    server.script = [Response(200, run()), Response(200, DONE)]
    with pytest.raises(WaitTimeout):
        flora(lambda c: wait(c, timeout=0))
    assert flora(lambda c: wait(c, timeout=0)).status == "completed"
    assert time.slept == []


def test_a_restart_of_the_server_is_tolerated(flora: Clients, server: ScriptedServer, time: FakeTime) -> None:
    server.script = [
        Response(200, run()),
        LOST,
        LOST,
        LOST,
        refusal(503, "service_unavailable", "Starting."),
        refusal(429, "rate_limited", "Rate limit exceeded.", retry_after="3"),
        Response(200, DONE),
    ]
    assert flora(wait).status == "completed"
    assert time.slept == [0.1, 0.5, 1.0, 2.0, 4.0, 3.0]


def test_an_outage_longer_than_a_minute_is_an_error(
    flora: Clients, server: ScriptedServer, time: FakeTime
) -> None:
    server.script = [Response(200, run()), *[LOST] * 20]
    with pytest.raises(APIConnectionError):
        flora(wait)
    assert 60 < time.at - 1000 < 75


def test_a_refusal_is_raised(flora: Clients, server: ScriptedServer) -> None:
    server.script = [refusal(404, "not_found", "Not found.")]
    with pytest.raises(NotFoundError):
        flora(wait)


def test_the_callback_may_be_a_coroutine_function(server: ScriptedServer, time: FakeTime) -> None:
    server.script = [Response(200, DONE)]
    reported: list[Any] = []

    async def report(run: Any) -> None:
        reported.append(run.status)

    Clients("async", server, time)(lambda c: wait(c, on_progress=report))
    assert reported == ["completed"]


def test_an_exception_of_the_callback_is_raised(flora: Clients, server: ScriptedServer) -> None:
    server.script = [Response(200, run())]

    def stop(_: Any) -> None:
        raise KeyError("stop")

    with pytest.raises(KeyError):
        flora(lambda c: wait(c, on_progress=stop))
