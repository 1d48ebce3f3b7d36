"""The provider that the scripted engines call: a loopback server that counts what it is asked to make."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Provider:
    """Takes jobs (`submit`) and says how they stand (`look`): half done at the first look, then finished.

    With ``suppresses_duplicates`` a key is made once, however often it is submitted. A job takes
    ``seconds`` from its submission.
    """

    def __init__(self, *, suppresses_duplicates: bool = True, seconds: float = 0.0) -> None:
        self.suppresses_duplicates = suppresses_duplicates
        self.seconds = seconds
        self.submissions: Counter[str] = Counter()
        self.made: Counter[str] = Counter()
        self._jobs: dict[str, tuple[str, float]] = {}
        self._looks: Counter[str] = Counter()
        self._lock = threading.Lock()

    def submit(self, key: str) -> dict[str, Any]:
        with self._lock:
            self.submissions[key] += 1
            if not self.suppresses_duplicates or not self.made[key]:
                self.made[key] += 1
                self._jobs[f"{key}.{self.made[key]}"] = (key, time.monotonic() + self.seconds)
            return {"ticket": f"{key}.{self.made[key]}"}

    def look(self, ticket: str) -> dict[str, Any]:
        with self._lock:
            if ticket not in self._jobs:
                return {"status": "lost"}
            key, ready_at = self._jobs[ticket]
            self._looks[ticket] += 1
            waiting = self._looks[ticket] == 1
        left = ready_at - time.monotonic()
        if waiting or left > 0:
            if not waiting:
                time.sleep(min(left, 0.1))
            return {"status": "waiting", "progress": 0.5}
        return {"status": "finished", "picture": f"made for {key}"}


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
