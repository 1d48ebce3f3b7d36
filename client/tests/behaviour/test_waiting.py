"""Waiting for a run, with and without a server that holds the answer back."""

from typing import Any

import pytest

from terrarium import APIConnectionError, NotFoundError, RunFailedError, WaitTimeout

from .scripted import LOST, Answer, Clients, FakeTime, ScriptedServer, Seen, refusal, run

DONE = run(status="completed", progress=100, completed_at=2, charged_cost=0.004)
FAILED = run(status="failed", progress=100, error_code="GENERATION_PROMPT_MODERATED", error_message="No.")


def wait(client: Any, **options: Any) -> Any:
    return client.runs.wait("run_1", **options)


def held(time: FakeTime, seconds: float, body: Any = None, etag: str = '"2"') -> Any:
    """An answer of a server that holds it back for some seconds."""

    def answer(seen: Seen) -> Answer:
        time.at += seconds
        headers = {"preference-applied": seen.headers["prefer"], "etag": etag}
        return Answer(200 if body else 304, body, headers)

    return answer


def test_long_polls(flora: Clients, server: ScriptedServer, time: FakeTime) -> None:
    server.script = [
        Answer(200, run(status="pending", progress=0), {"etag": '"1"'}),
        held(time, 25.0),
        held(time, 3.0, run(progress=40)),
        held(time, 0.02, run(progress=41), etag='"3"'),
        held(time, 1.0, DONE),
    ]
    told: list[Any] = []
    assert flora(lambda c: wait(c, on_progress=told.append)).status == "completed"
    assert [(each.status, each.progress) for each in told] == [
        ("pending", 0),
        ("running", 40),
        ("running", 41),
        ("completed", 100),
    ]
    assert [seen.headers.get("prefer") for seen in server.seen] == [None, *["wait=25"] * 4]
    assert [seen.headers.get("if-none-match") for seen in server.seen] == [None, '"1"', '"1"', '"2"', '"3"']
    # Nothing but a little spacing where answers come in quick succession.
    assert time.slept == [0.1, 0.08]


def test_polling_where_the_server_holds_nothing(
    flora: Clients, server: ScriptedServer, time: FakeTime
) -> None:
    server.script = [Answer(200, run())] * 8 + [Answer(200, DONE)]
    told: list[Any] = []
    flora(lambda c: wait(c, on_progress=told.append))
    assert time.slept == [0.1, 1.0, 1.5, 2.25, 3.375, 5.0, 5.0, 5.0]
    assert len(told) == 2


def test_a_server_that_only_claims_to_hold_is_not_asked_without_end(
    flora: Clients, server: ScriptedServer, time: FakeTime
) -> None:
    server.script = [Answer(200, run(), {"etag": '"1"'}), held(time, 0), held(time, 0), Answer(200, DONE)]
    flora(wait)
    assert time.slept == [0.1, 1.0, 1.5]


def test_retry_after_and_an_interval_of_ones_own(
    flora: Clients, server: ScriptedServer, time: FakeTime
) -> None:
    server.script = [
        Answer(200, run()),
        Answer(200, run()),
        Answer(200, run(), {"retry-after": "7"}),
        Answer(200, run()),
        Answer(200, DONE),
    ]
    flora(lambda c: wait(c, poll_interval=2.0))
    assert time.slept == [0.1, 2.0, 7.0, 2.0]


def test_a_failed_run(flora: Clients, server: ScriptedServer) -> None:
    server.script = [Answer(200, FAILED), Answer(200, FAILED)]
    with pytest.raises(RunFailedError) as caught:
        flora(wait)
    assert (caught.value.code, caught.value.message) == ("GENERATION_PROMPT_MODERATED", "No.")
    assert caught.value.run.run_id == "run_1"
    assert str(caught.value) == "No. (GENERATION_PROMPT_MODERATED, run_1)"
    assert flora(lambda c: wait(c, raise_on_failure=False)).status == "failed"


def test_a_final_state_of_a_newer_server(flora: Clients, server: ScriptedServer) -> None:
    server.script = [Answer(200, run(status="cancelled", completed_at=5))]
    with pytest.raises(RunFailedError, match="without saying why"):
        flora(wait)


def test_running_out_of_time(flora: Clients, server: ScriptedServer, time: FakeTime) -> None:
    server.script = [Answer(200, run(progress=30), {"etag": '"1"'}), held(time, 8.0), held(time, 1.0)]
    server.script += [Answer(304)]
    with pytest.raises(WaitTimeout, match="run_1 was not over after 10 s") as caught:
        flora(lambda c: wait(c, timeout=10))
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.run_id == "run_1"
    assert caught.value.run
    assert caught.value.run.progress == 30
    assert [seen.headers.get("prefer") for seen in server.seen] == [None, "wait=9", "wait=1", None]
    assert time.at == 1010


def test_one_look(flora: Clients, server: ScriptedServer, time: FakeTime) -> None:
    server.script = [Answer(200, run()), Answer(200, DONE)]
    with pytest.raises(WaitTimeout):
        flora(lambda c: wait(c, timeout=0))
    assert flora(lambda c: wait(c, timeout=0)).status == "completed"
    assert time.slept == []


def test_a_server_that_restarts_meanwhile(flora: Clients, server: ScriptedServer, time: FakeTime) -> None:
    server.script = [
        Answer(200, run()),
        LOST,
        LOST,
        LOST,
        refusal(503, "service_unavailable", "Starting."),
        refusal(429, "rate_limited", "Rate limit exceeded.", retry_after="3"),
        Answer(200, DONE),
    ]
    assert flora(wait).status == "completed"
    assert time.slept == [0.1, 0.5, 1.0, 2.0, 4.0, 3.0]


def test_a_server_that_stays_away(flora: Clients, server: ScriptedServer, time: FakeTime) -> None:
    server.script = [Answer(200, run()), *[LOST] * 20]
    with pytest.raises(APIConnectionError):
        flora(wait)
    assert 60 < time.at - 1000 < 75


def test_a_refusal_is_final(flora: Clients, server: ScriptedServer) -> None:
    server.script = [refusal(404, "not_found", "Not found.")]
    with pytest.raises(NotFoundError):
        flora(wait)


def test_a_coroutine_may_be_told(server: ScriptedServer, time: FakeTime) -> None:
    server.script = [Answer(200, DONE)]
    told: list[Any] = []

    async def tell(seen: Any) -> None:
        told.append(seen.status)

    Clients("async", server, time)(lambda c: wait(c, on_progress=tell))
    assert told == ["completed"]


def test_what_the_callback_raises_comes_through(flora: Clients, server: ScriptedServer) -> None:
    server.script = [Answer(200, run())]

    def stop(_: Any) -> None:
        raise KeyError("stop")

    with pytest.raises(KeyError):
        flora(lambda c: wait(c, on_progress=stop))
