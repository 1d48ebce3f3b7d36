"""A real server in its own process, with a model that does nothing."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

KEY = "sk_live_bench_key"
_HERE = Path(__file__).parent


@dataclass
class Server:
    """A running server; ``start_seconds`` from its launch to the first accepted run."""

    port: int
    process: psutil.Process
    workspace_id: str
    project_id: str
    start_seconds: float
    environment: dict[str, str]

    def body(self, prompt: str = "nothing") -> bytes:
        fields = {"workspace_id": self.workspace_id, "project_id": self.project_id, "type": "text"}
        return json.dumps({**fields, "prompt": prompt}).encode()

    def idle_mib(self) -> float:
        """Return the resident memory of the server and its descendants in MiB."""
        processes = [self.process, *self.process.children(recursive=True)]
        return sum(process.memory_info().rss for process in processes) / 2**20


def request(port: int, method: str, path: str, body: bytes | None = None) -> Any:
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    call = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers, method=method)
    with urllib.request.urlopen(call, timeout=30) as answer:
        return json.load(answer)


@contextmanager
def running_server(
    folder: Path, database_url: str | None = None, *options: str, **settings: str
) -> Iterator[Server]:
    """Start ``terrarium serve`` on a free port and stop it afterwards."""
    environment = {
        **os.environ,
        "TERRARIUM_DATA_DIR": str(folder),
        "TERRARIUM_BOOTSTRAP_KEY": KEY,
        "TERRARIUM_BOOTSTRAP_CREDITS": "1000000",
        "TERRARIUM_RATE_LIMIT": "1000000",
        "TERRARIUM_CARDS_DIR": str(_HERE / "cards"),
        "TERRARIUM_LOG_LEVEL": "WARNING",
        **{f"TERRARIUM_{name.upper()}": value for name, value in settings.items()},
    }
    if database_url:
        environment["TERRARIUM_DATABASE_URL"] = database_url
    command = [str(Path(sys.executable).parent / "terrarium"), "serve", "--port", "0", *options]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        port = 0
        while not port:
            line = process.stdout.readline()
            if not line:
                raise RuntimeError("the server did not start")
            if address := re.search(r"at http://127\.0\.0\.1:(\d+)", line):
                port = int(address[1])
        workspace = request(port, "GET", "/api/v1/workspaces")["workspaces"][0]["workspace_id"]
        projects = request(port, "GET", f"/api/v1/projects?workspace_id={workspace}")["projects"]
        server = Server(
            port, psutil.Process(process.pid), workspace, projects[0]["project_id"], 0.0, environment
        )
        request(port, "POST", "/api/v1/generate", server.body())
        server.start_seconds = time.perf_counter() - began
        yield server
    finally:
        process.terminate()
        process.wait(timeout=20)
