"""A real HTTP server on loopback with scripted responses, and both clients to call it."""

import asyncio
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from terrarium import AsyncFlora, Flora
from terrarium._clock import Clock

KEY = "sk_live_test"


@dataclass
class RecordedRequest:
    """A request as the server received it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw) if self.raw else None


@dataclass
class Response:
    """A response to send after ``delay`` seconds; ``lost`` closes the connection instead."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    lost: bool = False
    delay: float = 0.0


def refusal(status: int, code: str, message: str, *fields: tuple[str, str], **headers: str) -> Response:
    """A response with an error envelope."""
    error: dict[str, Any] = {"code": code, "message": message}
    if fields:
        error["fields"] = [{"field": name, "message": text} for name, text in fields]
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, {"error": error}, {"request-id": "req_1", **named})


LOST = Response(lost=True)
Script = Response | Callable[[RecordedRequest], Response]


class ScriptedServer:
    """Records requests and responds by ``routes`` ("GET /runs/run_1"), else by ``script`` in order."""

    def __init__(self) -> None:
        self.script: Any = []  # of Script
        self.routes: Any = {}  # of Script
        self.requests: list[RecordedRequest] = []
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

    def respond(self, request: RecordedRequest) -> Response:
        self.requests.append(request)
        route = f"{request.method} {request.path.removeprefix('/api/v1')}"
        if route in self.routes:
            scripted: Script = self.routes[route]
        elif self.script:
            scripted = self.script.pop(0)
        else:
            scripted = refusal(404, "not_found", f"The script has no response to {route}.")
        return scripted(request) if callable(scripted) else scripted

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
                request = RecordedRequest(
                    self.command,
                    url.path,
                    dict(parse_qsl(url.query, keep_blank_values=True)),
                    {name.lower(): value for name, value in self.headers.items()},
                    self.rfile.read(length),
                )
                response = server.respond(request)
                if response.delay:
                    threading.Event().wait(response.delay)
                if response.lost:
                    self.close_connection = True
                    return
                is_json = not isinstance(response.body, bytes | None)
                content = json.dumps(response.body).encode() if is_json else response.body or b""
                try:
                    self.send_response(response.status)
                    if is_json:
                        self.send_header("content-type", "application/json")
                    for name, value in response.headers.items():
                        self.send_header(name, value)
                    if response.status not in (204, 304) and "content-length" not in response.headers:
                        self.send_header("content-length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)
                    self.close_connection = "content-length" in response.headers  # it may be too large
                except ConnectionError:
                    self.close_connection = True  # the client has closed the connection, as its test expects

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve

        return Handler


class FakeTime:
    """A clock that moves only when a client sleeps."""

    def __init__(self) -> None:
        self.at = 1000.0
        self.slept: list[float] = []
        self.clock = Clock(
            monotonic=lambda: self.at,
            now=lambda: self.at,
            jitter=lambda: 0.0,
            sleep=self.sleep,
            sleep_async=self.sleep_async,
        )

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.at += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)


class Clients:
    """Calls the synchronous or the asynchronous client in the same way."""

    def __init__(self, mode: str, server: ScriptedServer, time: FakeTime) -> None:
        self.mode, self.server, self.time = mode, server, time

    def __call__(self, call: Callable[[Any], Any], **options: Any) -> Any:
        """The result of ``call(client)``, awaited if necessary."""
        arguments = {"api_key": KEY, "base_url": self.server.url, "_clock": self.time.clock, **options}
        if self.mode == "sync":
            with Flora(**arguments) as client:
                return call(client)

        async def run() -> Any:
            async with AsyncFlora(**arguments) as client:
                return await call(client)

        return asyncio.run(run())

    def all(self, call: Callable[[Any], Any], **options: Any) -> list[Any]:
        """All items of a list call, over all pages."""
        if self.mode == "sync":
            return self(lambda client: list(call(client)), **options)

        async def collect(client: AsyncFlora) -> list[Any]:
            return [item async for item in call(client)]

        return self(collect, **options)

    def pages(self, call: Callable[[Any], Any], **options: Any) -> list[Any]:
        """All pages of a list call."""
        if self.mode == "sync":
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
    """A run in a response."""
    return {**RUN, **changes}
