"""Which calls are retried, after how long, and that a write happens only once."""

from dataclasses import replace
from email.utils import formatdate
from typing import Any

import httpx
import pytest

from terrarium import (
    APIConnectionError,
    APITimeoutError,
    ConflictError,
    Flora,
    FloraError,
    InternalServerError,
    NotFoundError,
    RateLimitError,
)

from .scripted import LOST, START, STARTED, Clients, FakeTime, Response, ScriptedServer, refusal, run

CREATED = Response(201, STARTED)
BROKEN = refusal(500, "unknown_error", "An unknown error occurred.")
TAKEN = refusal(
    409,
    "idempotency_duplicate",
    "Duplicate idempotency key.",
    location="http://elsewhere.example/api/v1/runs/run_1",
    x_should_retry="false",
)
ESTIMATE = {
    "charged_cost": 0.004,
    "estimated_seconds": 3,
    "model": {"model_id": "t2i-sketch"},
    "type": "generation",
}


def start(client: Any) -> Any:
    return client.runs.start_generation(**START)


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503])
def test_transient_failures_are_retried_twice(
    flora: Clients, server: ScriptedServer, time: FakeTime, status: int
) -> None:
    server.script = [refusal(status, "unknown_error", "Not now.")] * 2 + [CREATED]
    assert flora(start).run_id == "run_1"
    assert time.slept == [0.5, 1.0]


def test_all_attempts_of_a_call_have_the_same_idempotency_key(flora: Clients, server: ScriptedServer) -> None:
    server.script = [BROKEN, LOST, CREATED, CREATED]
    flora(start)
    flora(start)
    keys = [request.headers["idempotency-key"] for request in server.requests]
    assert len(keys) == 4
    assert len(set(keys[:3])) == 1
    assert keys[3] != keys[0]


def test_a_given_idempotency_key_is_sent(flora: Clients, server: ScriptedServer) -> None:
    server.script = [BROKEN, CREATED]
    flora(lambda client: client.generations.create(**START, idempotency_key="mug-1"))
    assert [request.headers["idempotency-key"] for request in server.requests] == ["mug-1", "mug-1"]
    assert server.requests[0].path == "/api/v1/generate"


@pytest.mark.parametrize("key", ["", " ", "a\nb", "é", "a" * 256])
def test_an_unusable_key_is_refused_before_anything_is_sent(
    flora: Clients, server: ScriptedServer, key: str
) -> None:
    with pytest.raises(FloraError, match="idempotency_key"):
        flora(lambda client: client.runs.start_generation(**START, idempotency_key=key))
    assert server.requests == []


def test_reads_and_quotes_have_no_idempotency_key(flora: Clients, server: ScriptedServer) -> None:
    server.script = [Response(200, run()), Response(200, ESTIMATE)]
    flora(lambda client: client.runs.retrieve("run_1"))
    assert flora(lambda client: client.runs.estimate(**START)).charged_cost == 0.004
    assert not any("idempotency-key" in request.headers for request in server.requests)
    assert server.requests[1].body == START


def test_a_refusal_is_not_retried(flora: Clients, server: ScriptedServer, time: FakeTime) -> None:
    server.script = [refusal(404, "not_found", "Not found.")]
    with pytest.raises(NotFoundError):
        flora(start)
    assert time.slept == []


@pytest.mark.parametrize(("status", "should_retry", "attempts"), [(500, "false", 1), (400, "true", 3)])
def test_the_server_decides_whether_to_retry(
    flora: Clients, server: ScriptedServer, status: int, should_retry: str, attempts: int
) -> None:
    server.script = [refusal(status, "unknown_error", "No.", x_should_retry=should_retry)] * 3
    with pytest.raises(Exception, match="No"):
        flora(start)
    assert len(server.requests) == attempts


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after-ms": "40"}, 0.04),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after-ms": "0", "retry-after": "3"}, 3.0),
        ({"retry-after": formatdate(1007, usegmt=True)}, 7.0),  # the fake clock is at 1000
        ({"retry-after": "60"}, 60.0),
        ({"retry-after": "61"}, 0.5),
        ({"retry-after": "-1"}, 0.5),
        ({"retry-after": "nan"}, 0.5),
        ({"retry-after": "soon"}, 0.5),
    ],
)
def test_the_wait_that_the_server_requests_is_kept_up_to_a_minute(
    flora: Clients, server: ScriptedServer, time: FakeTime, headers: dict[str, str], wait: float
) -> None:
    server.script = [Response(429, {"error": {}}, headers), CREATED]
    flora(start)
    assert time.slept == [wait]


def test_waits_grow_to_eight_seconds_less_a_random_quarter(server: ScriptedServer, time: FakeTime) -> None:
    server.script = [BROKEN] * 7
    clock = replace(time.clock, jitter=lambda: 1.0)
    with (
        Flora(api_key="k", base_url=server.url, max_retries=6, _clock=clock) as client,
        pytest.raises(InternalServerError),
    ):
        start(client)
    assert time.slept == [0.375, 0.75, 1.5, 3.0, 6.0, 6.0]


def test_after_the_last_attempt_the_refusal_is_raised(flora: Clients, server: ScriptedServer) -> None:
    server.script = [refusal(429, "rate_limited", "Rate limit exceeded.")] * 3
    with pytest.raises(RateLimitError, match="Rate limit exceeded"):
        flora(start)
    assert len(server.requests) == 3


def test_retries_can_be_turned_off(flora: Clients, server: ScriptedServer) -> None:
    server.script = [BROKEN]
    with pytest.raises(InternalServerError):
        flora(lambda client: start(client.with_options(max_retries=0)))
    assert len(server.requests) == 1


def test_an_unreachable_server_is_an_error(flora: Clients, server: ScriptedServer, time: FakeTime) -> None:
    with pytest.raises(APIConnectionError, match=r"Cannot reach http://127\.0\.0\.1:1\."):
        flora(start, base_url="http://127.0.0.1:1/api/v1")
    assert time.slept == [0.5, 1.0]


def test_a_slow_server_is_an_error(flora: Clients, server: ScriptedServer) -> None:
    server.script = [Response(200, run(), delay=0.2)]
    with pytest.raises(APITimeoutError):
        flora(lambda client: client.runs.retrieve("run_1", timeout=0.05), max_retries=0)


class TestLostResponses:
    """A start whose response was lost is not paid twice, and is not reported as a failure."""

    @pytest.mark.parametrize(
        "first", [LOST, Response(502, b"bad gateway"), Response(201, STARTED, delay=0.3)]
    )
    def test_the_run_that_was_started_is_found(
        self, flora: Clients, server: ScriptedServer, first: Response
    ) -> None:
        server.routes = {
            "GET /runs/run_1": Response(200, run(poll_url="http://x/runs/run_1")),
            "POST /runs/estimate": Response(200, ESTIMATE),
        }
        server.script = [first, TAKEN]
        started = flora(start, timeout=httpx.Timeout(0.1))
        assert started.run_id == "run_1"
        assert started.charged_cost == 0.004
        assert started.estimated_seconds == 3
        assert started.model.model_id == "t2i-sketch"
        assert started.project_id == "prj_1"
        assert [request.path for request in server.requests] == [
            "/api/v1/runs/generation",
            "/api/v1/runs/generation",
            "/api/v1/runs/run_1",
            "/api/v1/runs/estimate",
        ]
        # The key was sent only to our server, not to the host in the location.
        assert all(request.headers["authorization"] for request in server.requests)

    def test_a_run_is_found_on_a_server_without_quotes(self, flora: Clients, server: ScriptedServer) -> None:
        server.routes = {"GET /runs/run_1": Response(200, run(charged_cost=0.01))}
        server.script = [LOST, TAKEN, refusal(404, "not_found", "Not found.")]
        started = flora(start)
        assert (started.run_id, started.charged_cost, started.estimated_seconds) == ("run_1", 0.01, None)

    def test_a_raw_response_has_the_recovered_run(self, flora: Clients, server: ScriptedServer) -> None:
        server.routes = {
            "GET /runs/run_1": Response(200, run()),
            "POST /runs/estimate": Response(200, ESTIMATE),
        }
        server.script = [LOST, TAKEN]
        response = flora(lambda client: client.runs.with_raw_response.start_generation(**START))
        assert response.parse().run_id == "run_1"
        assert (response.retries_taken, response.status_code) == (1, 409)

    def test_a_conflict_on_the_first_attempt_is_raised(self, flora: Clients, server: ScriptedServer) -> None:
        server.script = [TAKEN]
        with pytest.raises(ConflictError, match="Duplicate idempotency key") as caught:
            flora(start)
        assert caught.value.run_url == "http://elsewhere.example/api/v1/runs/run_1"
        assert caught.value.code == "idempotency_duplicate"

    def test_a_conflict_after_a_failed_connection_is_raised(
        self, flora: Clients, server: ScriptedServer
    ) -> None:
        # The first attempt cannot connect, so it was another call that used the key.
        attempts: list[str] = []

        def refuse_first(request: httpx.Request) -> None:
            attempts.append(request.url.path)
            if len(attempts) == 1:
                raise httpx.ConnectError("refused")

        async def refuse_first_async(request: httpx.Request) -> None:
            refuse_first(request)

        server.script = [TAKEN]
        hooks: Any = {"request": [refuse_first if flora.mode == "sync" else refuse_first_async]}
        http_class = httpx.Client if flora.mode == "sync" else httpx.AsyncClient
        with pytest.raises(ConflictError):
            flora(
                lambda client: client.runs.start_generation(**START, idempotency_key="mug-1"),
                http_client=http_class(event_hooks=hooks),
            )
        assert len(attempts) == 2

    def test_a_project_that_was_made_is_found(self, flora: Clients, server: ScriptedServer) -> None:
        location = "http://elsewhere.example/api/v1/projects/prj_1"
        taken = refusal(409, "idempotency_duplicate", "Duplicate.", location=location, x_should_retry="false")
        project = {
            "project_id": "prj_1",
            "name": "Once",
            "workspace_id": "ws_1",
            "origin": "api",
            "last_modified": 1,
            "created_at": 1,
        }
        server.routes = {"GET /projects/prj_1": Response(200, project)}
        server.script = [LOST, taken]
        made = flora(lambda client: client.projects.create(name="Once", workspace_id="ws_1"))
        assert (made.project_id, made.name) == ("prj_1", "Once")

    def test_a_conflict_without_a_run_is_raised(self, flora: Clients, server: ScriptedServer) -> None:
        server.script = [LOST, refusal(409, "idempotency_duplicate", "Duplicate.", x_should_retry="false")]
        with pytest.raises(ConflictError):
            flora(start)
