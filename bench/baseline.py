"""The baseline of admission: the same writes, in one transaction each, without a framework and checks."""

import asyncio
import queue
import random
import sqlite3
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import asyncpg

from terrarium_server import canvas

from .load import Rate, rate_of

_BODY = '{"seed": 1}'
_OUTPUT_INDEX = canvas.nodes.c.output_index.name


def _statements(marks: list[str]) -> list[str]:
    """Return the six writes of an admitted run; ``marks`` are the placeholders of the driver."""
    one, two, three, four, five, six = marks[:6]
    # Inserts first, so that the two rows that all runs share are locked for the shortest time.
    return [
        "INSERT INTO idempotency_keys (workspace_id, operation, destination, key, resource_type, resource_id,"
        f" expires_at) VALUES ({one}, 'generation', 'project', {two}, 'run', {three}, {four})",
        f"INSERT INTO canvas_nodes (node_id, project_id, place, {_OUTPUT_INDEX}, type, label, run_id, x, y,"
        f" created_at) VALUES ({one}, {two}, {three}, 0, 'text', 'nothing', {four}, 0, 0, {five})",
        # In the state failed, so that no worker claims it.
        "INSERT INTO runs (run_id, workspace_id, project_id, run_type, type, subject, subject_version,"
        " prompt, input, node_id, seed, root_run_id, actor, state, held_micros, created_at) VALUES"
        f" ({one}, {two}, {three}, 'generation', 'text', 't2t-noop', '', 'nothing', {four}, {five}, 1,"
        f" 'run', 'key:key', 'failed', 1, {six})",
        "INSERT INTO ledger_entries (entry_id, workspace_id, kind, amount_micros, run_id, phase, created_at)"
        f" VALUES ({one}, {two}, 'hold', -1, {three}, 'open', {four})",
        f"UPDATE canvas_boards SET places = places + 1 WHERE project_id = {one}",
        f"UPDATE ledger_balances SET balance_micros = balance_micros - 1 WHERE workspace_id = {one}",
    ]


def _rows(workspace: str, project: str, number: int) -> list[tuple[Any, ...]]:
    now = time.time_ns() // 1_000_000
    run, node = f"run_{uuid.uuid4().hex}", str(uuid.uuid4())
    return [
        (workspace, run, run, now),
        (node, project, number, run, now),
        (run, workspace, project, _BODY, node, now),
        (f"led_{run}", workspace, run, now),
        (project,),
        (workspace,),
    ]


async def postgres(url: str, workspace: str, project: str, connections: int, seconds: float) -> Rate:
    """Write as fast as possible through so many asyncpg connections."""
    statements = _statements([f"${number}" for number in range(1, 7)])
    pool = [await asyncpg.connect(url) for _ in range(connections)]
    latencies: list[float] = []
    numbers = iter(range(random.randrange(10**6, 2**30), 2**31 - 1))
    deadline = time.perf_counter() + seconds

    async def write(connection: Any) -> None:
        while (began := time.perf_counter()) < deadline:
            async with connection.transaction():
                for statement, row in zip(statements, _rows(workspace, project, next(numbers)), strict=True):
                    await connection.execute(statement, *row)
            latencies.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(write(connection) for connection in pool))
    elapsed = time.perf_counter() - began
    for connection in pool:
        await connection.close()
    return rate_of(latencies, elapsed)


def sqlite(path: Path, workspace: str, project: str, connections: int, seconds: float) -> Rate:
    """Write as fast as possible from so many threads, which wait for the commits of the one writer."""
    statements = _statements(["?"] * 6)
    tasks: queue.SimpleQueue[tuple[list[tuple[Any, ...]], threading.Event] | None] = queue.SimpleQueue()
    latencies: list[float] = []
    numbers = iter(range(random.randrange(10**6, 2**30), 2**31 - 1))
    deadline = time.perf_counter() + seconds

    def write() -> None:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA synchronous=FULL")
        while (task := tasks.get()) is not None:
            connection.execute("BEGIN IMMEDIATE")
            for statement, row in zip(statements, task[0], strict=True):
                connection.execute(statement, row)
            connection.execute("COMMIT")
            task[1].set()
        connection.close()

    def submit() -> None:
        while (began := time.perf_counter()) < deadline:
            done = threading.Event()
            tasks.put((_rows(workspace, project, next(numbers)), done))
            done.wait()
            latencies.append(time.perf_counter() - began)

    writer = threading.Thread(target=write)
    writer.start()
    began = time.perf_counter()
    clients = [threading.Thread(target=submit) for _ in range(connections)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    elapsed = time.perf_counter() - began
    tasks.put(None)
    writer.join()
    return rate_of(latencies, elapsed)
