"""The cost of a thousand runs that wait for a provider, compared with that of their polls alone."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from .load import Rate, rate_of, round_trips
from .server import Server, request, running_server

_RUNS = 1000
_SECONDS = 12.0
_TRIPS = 200


def run(runs: int = _RUNS, seconds: float = _SECONDS) -> None:
    """Measure an idle server, one with so many runs at a provider, and the same polls without a server."""
    print(f"\n## waiting: {runs} runs that wait for a provider\n")
    with tempfile.TemporaryDirectory() as folder, _provider() as port:
        config = Path(folder) / "terrarium.toml"
        config.write_text(
            f'[[engine]]\nkind = "replicate"\nname = "slow"\nurl = "http://127.0.0.1:{port}"\n'
            'key_env = "BENCH_KEY"\n'
        )
        os.environ["BENCH_KEY"] = "r8_nothing_to_hide"
        with running_server(Path(folder) / "data", config=str(config)) as server:
            rest = _measure(server, seconds)
            for _ in range(runs):
                body = {**json.loads(server.body()), "model": "t2t-waiting"}
                request(server.port, "POST", "/api/v1/generate", json.dumps(body).encode())
            _wait_until_running(server, runs, port)
            before = _polls(port)
            waiting = _measure(server, seconds)
            per_second = (_polls(port) - before) / waiting.seconds
        bare = asyncio.run(_bare(port, per_second, seconds))
    print("| | CPU % | threads | MiB | POST to completed p50 ms | p99 ms |\n|---|--:|--:|--:|--:|--:|")
    for name, usage in (("idle", rest), (f"{runs} waiting", waiting)):
        used = f"{usage.cpu:.1f} | {usage.threads} | {usage.mib:.0f}"
        print(f"| {name} | {used} | {usage.trips.p50:.1f} | {usage.trips.p99:.1f} |")
    cost = waiting.cpu - rest.cpu
    print(
        f"\nThe provider was polled {per_second:.0f} times a second: {cost:.1f} % of a core, "
        f"the same polls alone {bare:.1f} %: ratio {cost / max(bare, 0.1):.2f}.",
        flush=True,
    )


class _Usage:
    def __init__(self, cpu: float, threads: int, mib: float, trips: Rate, seconds: float) -> None:
        self.cpu, self.threads, self.mib, self.trips, self.seconds = cpu, threads, mib, trips, seconds


def _measure(server: Server, seconds: float) -> _Usage:
    """Measure the processor time for so many seconds, and then latencies."""
    began = time.perf_counter()
    used = sum(server.process.cpu_times()[:2])
    time.sleep(seconds)
    cpu = 100 * (sum(server.process.cpu_times()[:2]) - used) / (time.perf_counter() - began)
    trips = asyncio.run(round_trips(server.port, server.body(), _TRIPS, 0.005))
    threads, mib = server.process.num_threads(), server.process.memory_info().rss / 2**20
    return _Usage(cpu, threads, mib, rate_of(trips, sum(trips)), time.perf_counter() - began)


def _wait_until_running(server: Server, runs: int, port: int) -> None:
    deadline = time.monotonic() + 120
    while _polls(port, "made") < runs:
        if time.monotonic() > deadline:
            raise RuntimeError("not all runs reached the provider")
        time.sleep(0.2)
    # Until all are polled at the slowest rate.
    time.sleep(8)


def _polls(port: int, counter: str = "polls") -> int:
    return int(httpx.get(f"http://127.0.0.1:{port}/{counter}").text)


async def _bare(port: int, per_second: float, seconds: float) -> float:
    """Poll as often without a server; return the used percentage of a core."""
    process = psutil.Process()
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=16)
    async with httpx.AsyncClient(trust_env=False, limits=limits) as client:
        headers = {"authorization": "Bearer r8_nothing_to_hide", "accept-encoding": "identity"}
        tasks: set[asyncio.Task[httpx.Response]] = set()
        used, began = sum(process.cpu_times()[:2]), time.perf_counter()
        while (now := time.perf_counter()) < began + seconds:
            due = int((now - began) * per_second)
            for number in range(due - int((now - began - 0.02) * per_second) if now - began > 0.02 else due):
                call = client.get(f"http://127.0.0.1:{port}/predictions/p{number}", headers=headers)
                task = asyncio.create_task(_read(call))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            await asyncio.sleep(0.02)
        await asyncio.gather(*tasks)
        return 100 * (sum(process.cpu_times()[:2]) - used) / (time.perf_counter() - began)


async def _read(call):
    response = await call
    response.json()
    return response


@contextmanager
def _provider() -> Iterator[int]:
    """Run the provider in its own process."""
    command = [sys.executable, "-m", "bench.slow_provider"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


if __name__ == "__main__":
    run(*(int(word) for word in sys.argv[1:2]))
