"""How quickly the API answers while models keep every core busy, compared with the same server when idle."""

import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from .load import Connection, Rate, rate_of
from .server import Server, request, running_server

_SECONDS = 6.0
_INTERVAL_SECONDS = 0.02
# Each takes longer than the measurement; a clip also keeps an encoder busy.
_IMAGE: dict[str, Any] = {"resolution": "4k", "num_images": 4}
_VIDEO: dict[str, Any] = {"resolution": "1080p", "duration": 20}
_LOADS = (
    ("t2i-sketch", "image", "a bouquet of roses", _IMAGE),
    ("t2v-sketch", "video", "ocean waves at sunset", _VIDEO),
    ("t2v-sketch", "video", "neon city in the rain", _VIDEO),
)


def run(seconds: float = _SECONDS) -> None:
    """Read a run and start one every 20 ms: on an idle server, with busy models, and idle again."""
    print(f"\n## busy: an API while models use all of its {os.cpu_count()} cores\n")
    print("| | reads p50 ms | p99 ms | starts p50 ms | p99 ms |\n|---|--:|--:|--:|--:|")
    with (
        tempfile.TemporaryDirectory() as folder,
        running_server(Path(folder), sketch_processes=str(len(_LOADS))) as server,
    ):
        _row("idle", server, seconds)
        started = [_start(server, *load) for load in _LOADS]
        _wait_until_at_work(server, started)
        _row("models busy", server, seconds)
        still = [_status(server, run_id) for run_id in started]
        for run_id in started:
            request(server.port, "POST", f"/api/v1/runs/{run_id}/cancel", b"")
        time.sleep(1)
        _row("idle again", server, seconds)
    print(f"\nStill running at the end: {still.count('running')} of {len(still)}.", flush=True)


def _row(name: str, server: Server, seconds: float) -> None:
    reads, starts = asyncio.run(_latencies(server, seconds))
    print(f"| {name} | {reads.p50:.1f} | {reads.p99:.1f} | {starts.p50:.1f} | {starts.p99:.1f} |", flush=True)


async def _latencies(server: Server, seconds: float) -> tuple[Rate, Rate]:
    run_id = json.loads((await _call(server, "POST", "/api/v1/generate", server.body()))[1])["run_id"]
    calls = (("GET", f"/api/v1/runs/{run_id}", b""), ("POST", "/api/v1/generate", server.body()))
    reads, starts = await asyncio.gather(*(_repeat(server, seconds, *call) for call in calls))
    return rate_of(reads, seconds), rate_of(starts, seconds)


async def _call(server: Server, method: str, path: str, body: bytes) -> tuple[int, bytes]:
    connection = await Connection(server.port).open()
    answer = await connection.call(method, path, body)
    connection.close()
    return answer


async def _repeat(server: Server, seconds: float, method: str, path: str, body: bytes) -> list[float]:
    connection = await Connection(server.port).open()
    latencies: list[float] = []
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        status, content = await connection.call(method, path, body)
        if status >= 300:
            raise RuntimeError(f"{status}: {content[:300]!r}")
        latencies.append(time.perf_counter() - began)
        await asyncio.sleep(_INTERVAL_SECONDS)
    connection.close()
    return latencies


def _start(server: Server, model: str, type: str, prompt: str, params: dict[str, Any]) -> str:
    fields = {"workspace_id": server.workspace_id, "project_id": server.project_id, "type": type}
    body = json.dumps({**fields, "prompt": prompt, "model": model, "params": params}).encode()
    return request(server.port, "POST", "/api/v1/generate", body)["run_id"]


def _status(server: Server, run_id: str) -> str:
    return request(server.port, "GET", f"/api/v1/runs/{run_id}")["status"]


def _wait_until_at_work(server: Server, run_ids: list[str]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        runs = [request(server.port, "GET", f"/api/v1/runs/{run_id}") for run_id in run_ids]
        if all(run["status"] == "running" and run["progress"] for run in runs):
            return
        time.sleep(0.2)
    raise RuntimeError("the models did not start their runs within 30 s")


if __name__ == "__main__":
    run(*(float(word) for word in sys.argv[1:]))
