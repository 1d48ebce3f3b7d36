"""Load over plain sockets, because a client library would cost more than the measured work."""

import asyncio
import re
import statistics
import time
import uuid
from dataclasses import dataclass

from .server import KEY

_RUN_ID = re.compile(rb'"run_id":"(run_\w+)"')


class Connection:
    """One kept-alive HTTP/1.1 connection."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def open(self) -> "Connection":
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def call(self, method: str, path: str, body: bytes = b"", key: str = "") -> tuple[int, bytes]:
        head = (
            f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{self._port}\r\nauthorization: Bearer {KEY}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        )
        if key:
            head += f"idempotency-key: {key}\r\n"
        head += "\r\n"
        self._writer.write(head.encode() + body)
        response = await self._reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", response)
        content = await self._reader.readexactly(int(length[1])) if length else b""
        return int(response[9:12]), content

    def close(self) -> None:
        self._writer.close()


@dataclass
class Rate:
    """Requests per second, and latencies in milliseconds."""

    per_second: float
    p50: float
    p99: float


def rate_of(latencies: list[float], seconds: float) -> Rate:
    ordered = sorted(latencies)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return Rate(len(ordered) / seconds, statistics.median(ordered) * 1000, p99 * 1000)


def middle(rates: list[Rate]) -> Rate:
    """The median of each figure over several turns."""
    columns = (
        [rate.per_second for rate in rates],
        [rate.p50 for rate in rates],
        [rate.p99 for rate in rates],
    )
    return Rate(*map(statistics.median, columns))


async def post_for(port: int, body: bytes, connections: int, seconds: float) -> tuple[Rate, list[str]]:
    """Start runs on so many connections for so long; return the rate and the run ids."""
    opened = [await Connection(port).open() for _ in range(connections)]
    latencies: list[float] = []
    run_ids: list[str] = []
    deadline = time.perf_counter() + seconds

    async def post(connection: Connection) -> None:
        while (began := time.perf_counter()) < deadline:
            # With an idempotency key, like a careful client; the baseline writes one too.
            key = uuid.uuid4().hex
            status, content = await connection.call("POST", "/api/v1/runs/generation", body, key)
            if status != 201:
                raise RuntimeError(f"{status}: {content[:300]!r}")
            latencies.append(time.perf_counter() - began)
            run_id = _RUN_ID.search(content)
            assert run_id is not None
            run_ids.append(run_id[1].decode())

    began = time.perf_counter()
    await asyncio.gather(*(post(connection) for connection in opened))
    elapsed = time.perf_counter() - began
    for connection in opened:
        connection.close()
    return rate_of(latencies, elapsed), run_ids


async def round_trips(port: int, body: bytes, count: int, poll_seconds: float) -> list[float]:
    """Start runs one after another and poll each until it is over; return seconds from POST to completed."""
    connection = await Connection(port).open()
    times: list[float] = []
    for _ in range(count):
        began = time.perf_counter()
        _, content = await connection.call("POST", "/api/v1/runs/generation", body)
        run_id = _RUN_ID.search(content)
        assert run_id is not None
        while True:
            await asyncio.sleep(poll_seconds)
            _, content = await connection.call("GET", f"/api/v1/runs/{run_id[1].decode()}")
            if b'"status":"completed"' in content:
                break
            if b'"status":"failed"' in content:
                raise RuntimeError(content.decode())
        times.append(time.perf_counter() - began)
    connection.close()
    return times
