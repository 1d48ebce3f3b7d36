"""The provider of the scripted engines: a loopback server that counts submissions and jobs."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal


class Provider:
    """Accepts jobs (`submit`), finds them by key (`find`) and reports their state (`poll`).

    A job is half done at the first poll, and finished once ``seconds`` have passed since its submission,
    unless the provider is on hold. With ``suppresses_duplicates`` a key gets one job, however often it is
    submitted. A key is a run's id, a dot and a number; everything is counted by run, ``cancelled`` counts
    only unfinished jobs.

    A provider that is not ``searchable`` cannot tell whether it has a job for a key. ``closes_connection``
    closes the connection of each submission: before the job is accepted, or after that and before the answer.
    """

    def __init__(
        self,
        *,
        suppresses_duplicates: bool = True,
        seconds: float = 0.0,
        searchable: bool = True,
        closes_connection: Literal["before", "after"] | None = None,
    ) -> None:
        self.suppresses_duplicates = suppresses_duplicates
        self.seconds = seconds
        self.searchable = searchable
        self.closes_connection = closes_connection
        self.submissions: Counter[str] = Counter()
        self.made: Counter[str] = Counter()
        self.searches: Counter[str] = Counter()
        self.polls: Counter[str] = Counter()
        self.cancelled: Counter[str] = Counter()
        self._tickets: dict[str, list[str]] = {}
        self._jobs: dict[str, tuple[str, float]] = {}
        self._looked_at: set[str] = set()
        self._finished: set[str] = set()
        self._lock = threading.Lock()
        self._open = threading.Event()
        self._open.set()

    def hold(self) -> None:
        """Finish nothing for now."""
        self._open.clear()

    def release(self) -> None:
        """Finish what is due."""
        self._open.set()

    def submit(self, key: str) -> dict[str, Any]:
        if self.closes_connection == "before":
            raise ConnectionError
        answer = self._take(key)
        if self.closes_connection == "after":
            raise ConnectionError
        return answer

    def _take(self, key: str) -> dict[str, Any]:
        run_id = _run_of(key)
        with self._lock:
            self.submissions[run_id] += 1
            tickets = self._tickets.setdefault(key, [])
            if not self.suppresses_duplicates or not tickets:
                self.made[run_id] += 1
                tickets.append(f"{key}/{len(tickets) + 1}")
                self._jobs[tickets[-1]] = (key, time.monotonic() + self.seconds)
            return {"ticket": tickets[-1]}

    def find(self, key: str) -> dict[str, Any]:
        with self._lock:
            self.searches[_run_of(key)] += 1
            if not self.searchable:
                return {"status": "unknown"}
            tickets = self._tickets.get(key)
            return {"status": "certain", "ticket": tickets[-1] if tickets else None}

    def poll(self, ticket: str) -> dict[str, Any]:
        with self._lock:
            if ticket not in self._jobs:
                return {"status": "lost"}
            key, ready_at = self._jobs[ticket]
            self.polls[_run_of(key)] += 1
            waiting = ticket not in self._looked_at
            self._looked_at.add(ticket)
        left = ready_at - time.monotonic()
        if waiting or left > 0 or not self._open.is_set():
            if not waiting:
                time.sleep(min(left, 0.1) if left > 0 else 0.1)
            return {"status": "waiting", "progress": 0.5}
        with self._lock:
            self._finished.add(ticket)
        return {"status": "finished", "picture": f"made for {_run_of(key)}"}

    def cancel(self, ticket: str) -> dict[str, Any]:
        with self._lock:
            if ticket in self._jobs and ticket not in self._finished:
                key, _ = self._jobs.pop(ticket)
                self.cancelled[_run_of(key)] += 1
            return {}


def _run_of(key: str) -> str:
    return key.partition(".")[0]


@contextmanager
def serving(provider: Provider) -> Iterator[str]:
    """Serve a provider on a loopback port and yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            fields = json.loads(self.rfile.read(int(self.headers["content-length"])))
            answer = getattr(provider, self.path.removeprefix("/"))(**fields)
            raw = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None:
            """Log nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Ignore clients that were killed during a call, as these tests intend."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
