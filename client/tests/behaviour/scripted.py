"""A real HTTP server on loopback that answers as a test scripts it, and both clients to speak with it."""

import asyncio
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from terrarium import AsyncFlora, Flora
from terrarium._pace import Pace

KEY = "sk_live_test"


@dataclass
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw) if self.raw else None


@dataclass
class Answer:
    """What to answer; ``lost`` closes the connection instead, ``late`` waits (seconds) before answering."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    lost: bool = False
    late: float = 0.0


def refusal(status: int, code: str, message: str, *fields: tuple[str, str], **headers: str) -> Answer:
    """An error envelope."""
    error: dict[str, Any] = {"code": code, "message": message}
    if fields:
        error["fields"] = [{"field": name, "message": text} for name, text in fields]
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, {"error": error}, {"request-id": "req_1", **named})


LOST = Answer(lost=True)
Script = Answer | Callable[[Seen], Answer]


class ScriptedServer:
    """Answers ``script`` in order, or by ``routes`` ("GET /runs/run_1"); remembers what it saw."""

    def __init__(self) -> None:
        self.script: Any = []  # of Script
        self.routes: Any = {}  # of Script
        self.seen: list[Seen] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def url(self) -> str:
        return f"{self.origin}/api/v1"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def answer(self, seen: Seen) -> Answer:
        self.seen.append(seen)
        route = f"{seen.method} {seen.path.removeprefix('/api/v1')}"
        if route in self.routes:
            found: Script = self.routes[route]
        elif self.script:
            found = self.script.pop(0)
        else:
            found = refusal(404, "not_found", f"The script ends before {route}.")
        return found(seen) if callable(found) else found

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            timeout = 10

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def _serve(self) -> None:
                url = urlsplit(self.path)
                length = int(self.headers.get("content-length") or 0)
                seen = Seen(
                    self.command,
                    url.path,
                    dict(parse_qsl(url.query, keep_blank_values=True)),
                    {name.lower(): value for name, value in self.headers.items()},
                    self.rfile.read(length),
                )
                answer = server.answer(seen)
                if answer.late:
                    threading.Event().wait(answer.late)
                if answer.lost:
                    self.close_connection = True
                    return
                is_json = not isinstance(answer.body, bytes | None)
                content = json.dumps(answer.body).encode() if is_json else answer.body or b""
                try:
                    self.send_response(answer.status)
                    if is_json:
                        self.send_header("content-type", "application/json")
                    for name, value in answer.headers.items():
                        self.send_header(name, value)
                    if answer.status not in (204, 304) and "content-length" not in answer.headers:
                        self.send_header("content-length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)
                    self.close_connection = "content-length" in answer.headers  # which may promise too much
                except ConnectionError:
                    self.close_connection = True  # the client has given up on us, as its test wanted

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve

        return Handler


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.at = 1000.0
        self.slept: list[float] = []
        self.pace = Pace(
            monotonic=lambda: self.at,
            now=lambda: self.at,
            chance=lambda: 0.0,
            sleep=self.sleep,
            sleep_async=self.sleep_async,
        )

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.at += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)


class Clients:
    """Calls one of the two clients as if there were no difference."""

    def __init__(self, colour: str, server: ScriptedServer, time: FakeTime) -> None:
        self.colour, self.server, self.time = colour, server, time

    def __call__(self, call: Callable[[Any], Any], **options: Any) -> Any:
        """The result of ``call(client)``, awaited where need be."""
        told = {"api_key": KEY, "base_url": self.server.url, "_pace": self.time.pace, **options}
        if self.colour == "sync":
            with Flora(**told) as client:
                return call(client)

        async def run() -> Any:
            async with AsyncFlora(**told) as client:
                return await call(client)

        return asyncio.run(run())

    def all(self, call: Callable[[Any], Any], **options: Any) -> list[Any]:
        """All items of a list call, over all pages."""
        if self.colour == "sync":
            return self(lambda client: list(call(client)), **options)

        async def collect(client: AsyncFlora) -> list[Any]:
            return [item async for item in call(client)]

        return self(collect, **options)

    def pages(self, call: Callable[[Any], Any], **options: Any) -> list[Any]:
        """All pages of a list call."""
        if self.colour == "sync":
            return self(lambda client: list(call(client).iter_pages()), **options)

        async def collect(client: AsyncFlora) -> list[Any]:
            return [page async for page in (await call(client)).iter_pages()]

        return self(collect, **options)


RUN = {"run_id": "run_1", "status": "running", "progress": 10, "created_at": 1_700_000_000_000}
STARTED = {
    "run_id": "run_1",
    "type": "generation",
    "charged_cost": 0.004,
    "estimated_seconds": 3,
    "model": {"model_id": "t2i-sketch"},
    "poll_url": "http://127.0.0.1:8787/api/v1/runs/run_1",
    "project_id": "prj_1",
}
START: dict[str, Any] = {
    "project_id": "prj_1",
    "prompt": "A ceramic mug on a sunlit table",
    "type": "image",
    "workspace_id": "ws_1",
}


def run(**changes: Any) -> dict[str, Any]:
    """A run on the wire."""
    return {**RUN, **changes}
