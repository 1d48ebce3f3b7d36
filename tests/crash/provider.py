"""The provider that the scripted engines call: a loopback server that counts what it is asked to make."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal


class Provider:
    """Takes jobs (`submit`), knows them by key (`find`) and says how they stand (`look`).

    A job is half done at the first look, and finished once ``seconds`` have passed since its submission and
    the provider is not held. With ``suppresses_duplicates`` a key is made once, however often it is
    submitted. A key is a run's id, a dot and a number; everything is counted by run, under ``cancelled``
    only what was not finished yet.

    One that is not ``searchable`` cannot say whether it has a job of some key. With ``hangs_up`` the line is
    cut when a job is submitted: before it was taken, or after that and before the answer.
    """

    def __init__(
        self,
        *,
        suppresses_duplicates: bool = True,
        seconds: float = 0.0,
        searchable: bool = True,
        hangs_up: Literal["before", "after"] | None = None,
    ) -> None:
        self.suppresses_duplicates = suppresses_duplicates
        self.seconds = seconds
        self.searchable = searchable
        self.hangs_up = hangs_up
        self.submissions: Counter[str] = Counter()
        self.made: Counter[str] = Counter()
        self.found: Counter[str] = Counter()
        self.looks: Counter[str] = Counter()
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
        if self.hangs_up == "before":
            raise ConnectionError
        answer = self._take(key)
        if self.hangs_up == "after":
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
            self.found[_run_of(key)] += 1
            if not self.searchable:
                return {"status": "unknown"}
            tickets = self._tickets.get(key)
            return {"status": "certain", "ticket": tickets[-1] if tickets else None}

    def look(self, ticket: str) -> dict[str, Any]:
        with self._lock:
            if ticket not in self._jobs:
                return {"status": "lost"}
            key, ready_at = self._jobs[ticket]
            self.looks[_run_of(key)] += 1
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
    """Serve a provider on a loopback port and give its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            answer = getattr(provider, self.path.removeprefix("/"))(**asked)
            raw = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that was killed in the middle of a call is what we are here for."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
