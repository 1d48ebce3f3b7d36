"""A server that is told to stop answers waiting requests with the current state, without delay."""

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from support.events import parsed
from support.server import DEADLINE, Server, running_server
from terrarium_server import runs

STOPS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
# Longer than any test may take, so that a test fails if something waits for the end of it.
FOR_EVER = 3600


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as opened:
        yield opened


class Waiting:
    """A request that waits for a run."""

    def __init__(self, pool: ThreadPoolExecutor, server: Server, run_id: str, **headers: str) -> None:
        self._sent = threading.Event()
        self._answer: Future[httpx.Response] = pool.submit(self._wait, server, run_id, headers)
        assert self._sent.wait(DEADLINE)
        # The answer to this later request shows that the server has received the waiting one.
        with server.client() as client:
            client.get(f"/runs/{run_id}").raise_for_status()

    def _wait(self, server: Server, run_id: str, headers: dict[str, str]) -> httpx.Response:
        def sent(event: str, _info: object) -> None:
            if event == "http11.receive_response_headers.started":
                self._sent.set()

        with server.client() as client:
            extensions = {"trace": sent}
            return client.get(
                f"/runs/{run_id}", headers={"prefer": "wait=60", **headers}, extensions=extensions
            )

    def answer(self) -> httpx.Response:
        """Return the response, which must arrive long before the requested wait is over."""
        return self._answer.result(DEADLINE / 2)


class Listening:
    """A client that listens to events."""

    def __init__(self, pool: ThreadPoolExecutor, server: Server, path: str) -> None:
        self._opened = threading.Event()
        self._types: Future[list[str]] = pool.submit(self._listen, server, path)
        assert self._opened.wait(DEADLINE)

    def _listen(self, server: Server, path: str) -> list[str]:
        types: list[str] = []
        with server.client() as client, client.stream("GET", path) as answer:
            for event in parsed(answer.iter_lines()):
                self._opened.set()
                types.append(event.type)
        return types

    def rest(self) -> list[str]:
        """The types of all events after the opening, once the server has ended the stream."""
        opening, *rest = self._types.result(DEADLINE / 2)
        assert opening == "open"
        return rest


def started(server: Server, **params: object) -> str:
    with server.client() as client:
        body = server.first.body(model="t2t-rehearsal", params=params)
        return client.post("/generate", json=body).raise_for_status().json()["run_id"]


def wait_until_running(server: Server, run_id: str) -> str:
    """Wait until a run is running; return its current ETag."""
    with server.client() as client:
        answer = client.get(f"/runs/{run_id}")
        while answer.json()["status"] == "pending":
            headers = {"prefer": "wait=60", "if-none-match": answer.headers["etag"]}
            answer = client.get(f"/runs/{run_id}", headers=headers)
        return answer.headers["etag"]


@STOPS
def test_waiting_requests_get_the_current_state_and_a_server_without_a_worker_stops_at_once(
    tmp_path: Path, pool: ThreadPoolExecutor, number: signal.Signals
) -> None:
    with running_server(tmp_path, workers=False, drain_seconds=FOR_EVER) as server:
        run_id = started(server)
        with server.client() as client:
            tag = client.get(f"/runs/{run_id}").headers["etag"]
        waiting = [Waiting(pool, server, run_id) for _ in range(3)]
        with_tag = Waiting(pool, server, run_id, **{"if-none-match": tag})
        listening = [
            Listening(pool, server, path)
            for path in (f"/projects/{server.first.project_id}/events", f"/runs/{run_id}/events")
        ]
        server.stop(number)
        for one in waiting:
            answer = one.answer()
            assert (answer.status_code, answer.json()["status"]) == (200, "pending")
            assert answer.headers["etag"] == tag
        assert with_tag.answer().status_code == 304
        assert [one.rest() for one in listening] == [[], ["run.created"]]
        server.process.wait(DEADLINE)
        assert (tmp_path / "server.log").read_text() == ""


@STOPS
def test_waiting_requests_are_answered_before_the_work_ends_and_a_second_signal_ends_it(
    tmp_path: Path, pool: ThreadPoolExecutor, number: signal.Signals
) -> None:
    with running_server(tmp_path, drain_seconds=FOR_EVER) as server:
        run_id = started(server, seconds=60)
        wait_until_running(server, run_id)
        waiting = Waiting(pool, server, run_id)
        server.stop(number)
        answer = waiting.answer()
        assert (answer.status_code, answer.json()["status"]) == (200, "running")
        # Running work may be finished, unless the owner sends a second signal.
        assert server.process.poll() is None
        server.stop(number)
        server.process.wait(DEADLINE / 2)
        with server.transaction() as tx:
            run = runs.read_run(tx, run_id)
        assert (run.state, run.worker_id) == ("pending", None)


def test_a_stopped_server_accepts_nothing_and_continues_its_runs_after_the_next_start(tmp_path: Path) -> None:
    with running_server(tmp_path, drain_seconds=0) as server:
        run_id = started(server, seconds=0.3)
        server.stop()
        server.process.wait(DEADLINE)
        with pytest.raises(httpx.ConnectError):
            started(server)
    with running_server(tmp_path, bootstrap_key=server.first.api_key) as again, again.client() as client:
        answer = client.get(f"/runs/{run_id}", headers={"prefer": "wait=60"})
        assert answer.json()["status"] == "completed"
