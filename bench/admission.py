"""How fast runs are admitted and executed with an engine that does nothing."""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from support.postgres import Postgres, running_postgres

from . import baseline
from .load import Rate, middle, post_for, rate_of, round_trips
from .server import Server, request, running_server

_SECONDS = 6.0
_TURNS = 3
_CONNECTIONS = (1, 16, 64)


def run(seconds: float = _SECONDS) -> None:
    """Measure SQLite, then PostgreSQL, and print a table of each with its baseline."""
    with running_postgres() as postgres:
        for name in ("sqlite", "postgresql"):
            _measure(name, postgres, seconds)


def _measure(name: str, postgres: Postgres, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = postgres.fresh_database() if name == "postgresql" else None
        print(f"\n## {name}", flush=True)
        _accepted(name, Path(folder) / "a", url, seconds)
    with tempfile.TemporaryDirectory() as folder:
        url = postgres.fresh_database() if name == "postgresql" else None
        _executed(name, Path(folder) / "b", url)


def _accepted(name: str, folder: Path, url: str | None, seconds: float) -> None:
    """Measure accepted runs per second, with and without a worker, and the same writes alone."""
    print("| accepted | conn | runs/s | p50 ms | p99 ms | bare/s | bare p50 ms | ratio |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    # Without workers first: the admitted runs wait, and the second server executes them.
    for workers in (False, True):
        options = () if workers else ("--no-workers",)
        with running_server(folder, url, *options) as server:
            if workers:
                _settle(server)
            for connections in _CONNECTIONS:
                # Alternately, because the speed of a shared machine varies.
                bares, all_ours = list[Rate](), list[Rate]()
                for _ in range(_TURNS):
                    bares.append(_bare(server, folder, url, connections, seconds / _TURNS))
                    rate, _ = asyncio.run(post_for(server.port, server.body(), connections, seconds / _TURNS))
                    all_ours.append(rate)
                    if workers:
                        _settle(server)
                bare, ours = middle(bares), middle(all_ours)
                label = "with its worker" if workers else "API only"
                print(
                    f"| {label} | {connections} | {ours.per_second:.0f} | {ours.p50:.1f} | {ours.p99:.1f} |"
                    f" {bare.per_second:.0f} | {bare.p50:.1f} | {ours.per_second / bare.per_second:.2f} |",
                    flush=True,
                )


def _bare(server: Server, folder: Path, url: str | None, connections: int, seconds: float) -> Rate:
    ids = (server.workspace_id, server.project_id)
    if url is None:
        return baseline.sqlite(folder / "terrarium.db", *ids, connections, seconds)
    return asyncio.run(baseline.postgres(url, *ids, connections, seconds))


def _settle(server: Server) -> None:
    """Wait until all runs have ended, so that one measurement does not slow down the next."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        waiting = [
            request(server.port, "GET", f"/api/v1/generations?limit=1&status={status}")["generations"]
            for status in ("pending", "running")
        ]
        if not any(waiting):
            return
        time.sleep(0.2)


def _executed(name: str, folder: Path, url: str | None) -> None:
    with running_server(folder, url) as server:
        time.sleep(1)
        idle = server.idle_mib()
        trips = asyncio.run(round_trips(server.port, server.body(), 200, 0.005))
        rate = rate_of(trips, sum(trips))
        _, ids = asyncio.run(post_for(server.port, server.body(), 16, 3.0))
        _settle(server)
        queued, per_second = _times(server, folder, url, ids)
    print(f"\n| {name} | |\n|---|--:|")
    print(f"| POST to completed, polled every 5 ms: p50 / p99 ms | {rate.p50:.1f} / {rate.p99:.1f} |")
    print(f"| queue to start at 16 connections: p50 / p99 ms | {queued.p50:.0f} / {queued.p99:.0f} |")
    print(f"| completed runs/s under that load | {per_second:.0f} |")
    print(f"| launch to the first accepted run, s | {server.start_seconds:.2f} |")
    print(f"| idle memory, MiB | {idle:.0f} |", flush=True)


def _times(server: Server, folder: Path, url: str | None, ids: list[str]) -> tuple[Rate, float]:
    """Return queue-to-start latencies and completed runs per second, from the runs' own timestamps."""
    statement = "SELECT run_id, created_at, started_at, completed_at FROM runs WHERE state = 'completed'"
    if url is None:
        import sqlite3

        rows = sqlite3.connect(folder / "terrarium.db").execute(statement).fetchall()
    else:
        with psycopg.connect(url) as connection:
            rows = connection.execute(statement).fetchall()
    wanted = set(ids)
    timed = [(created, started, done) for run_id, created, started, done in rows if run_id in wanted]
    waits = [(started - created) / 1000 for created, started, _ in timed]
    span = (max(done for *_, done in timed) - min(created for created, *_ in timed)) / 1000
    return rate_of(waits, span), len(timed) / span


if __name__ == "__main__":
    run(*(float(word) for word in sys.argv[1:]))
