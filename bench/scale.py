"""Whether lists and reads stay as fast when there are a million runs: through HTTP, on both databases."""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from support.filling import OTHER_PROJECTS, RARE, add_empty_projects, add_runs, add_tenants, run_id
from support.postgres import Postgres, running_postgres
from support.server import Account
from terrarium_server.http.paging import encode_cursor
from terrarium_server.store import Database

from .load import Connection
from .server import KEY, Server, running_server

_SIZES = (0, 1_000, 100_000, 1_000_000)
_COMPARED_WITH = 1_000
_MANY_PROJECTS = 100_000
_REQUESTS = 60
_WARM_UP = 8
# Of 1,000 runs, there are just enough completed ones before this one for a full page of the project.
_SMALLEST_MIDDLE = 3 * RARE + 215

# Half of the runs have their nodes on the canvas of one project: 50,000 of 100,000.
_READS = {
    "generations": "/generations?limit=100",
    "… older ones": "/generations?limit=100&cursor={middle}",
    "… completed": "/generations?limit=100&status=completed",
    "… failed, the oldest": "/generations?limit=100&status=failed",
    "… pending": "/generations?limit=100&status=pending",
    "… of a project": "/generations?limit=100&project_id={project}",
    "… older ones of a project": "/generations?limit=100&project_id={project}&cursor={middle}",
    "… failed of a project": "/generations?limit=100&project_id={project}&status=failed",
    "… of a project without any": "/generations?limit=100&project_id=prj_none",
    "a run": "/runs/{run}",
    "projects": "/projects?limit=100&workspace_id={workspace}",
    "a project": "/projects/{project}",
    "nodes": "/projects/{project}/nodes?limit=100",
    "… in the middle": "/projects/{project}/nodes?limit=100&cursor={middle_node}",
    "models": "/models",
    "workspaces": "/workspaces",
}
_SEARCHES = {
    "projects": "/projects?limit=100&workspace_id={workspace}",
    "a name that many have": "/projects?limit=100&workspace_id={workspace}&query=number",
    "a name that none has": "/projects?limit=100&workspace_id={workspace}&query=nothing%20like%20it",
}


def run(sizes: Sequence[int] = _SIZES) -> None:
    """Measure servers with so many runs, each against the one with 1,000, and print a table per database."""
    with running_postgres() as postgres:
        for name in ("sqlite", "postgresql"):
            _measure(name, postgres, sizes)


@dataclass(frozen=True)
class _Filled:
    """A server with so many runs."""

    server: Server
    database: Database
    size: int

    @property
    def account(self) -> Account:
        return Account(self.server.workspace_id, self.server.project_id, KEY)

    def path(self, read: str) -> str:
        """Return the path of one of the reads above; cursors point into the middle of the lists."""
        names = {
            "workspace": self.server.workspace_id,
            "project": self.server.project_id,
            "run": run_id(max(1, self.size)),
            "middle": encode_cursor(run_id(max(self.size // 2, _SMALLEST_MIDDLE))),
            "middle_node": encode_cursor(max(self.size // 2, 3 * RARE), 0),
        }
        return "/api/v1" + read.format(**names)


def _measure(name: str, postgres: Postgres, sizes: Sequence[int]) -> None:
    with ExitStack() as stack:
        filled = [_open(stack, postgres if name == "postgresql" else None, size) for size in sizes]
        print(f"\n## scale, {name}: p50 in ms\n", flush=True)
        asyncio.run(_compare(filled))
        least = filled[0]
        few = asyncio.run(_times([least], _SEARCHES))
        add_empty_projects(least.database, least.account, first=OTHER_PROJECTS, last=_MANY_PROJECTS - 1)
        _refresh(least.database)
        many = asyncio.run(_times([least], _SEARCHES))
    print(f"\n| projects in one workspace | {OTHER_PROJECTS:,} | {_MANY_PROJECTS:,} |\n|---|--:|--:|")
    for read in _SEARCHES:
        print(f"| {read} | {few[read][0]:.1f} | {many[read][0]:.1f} |", flush=True)


def _open(stack: ExitStack, postgres: Postgres | None, size: int) -> _Filled:
    """Start a server without workers, and fill its database."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    url = postgres.fresh_database() if postgres is not None else None
    server = stack.enter_context(running_server(folder, url, "--no-workers"))
    database = Database(url or f"sqlite:///{folder / 'terrarium.db'}")
    stack.callback(database.close)
    filled = _Filled(server, database, size)
    began = time.perf_counter()
    add_tenants(database, filled.account)
    if size:
        add_runs(database, filled.account, subject="t2t-noop", first=1, last=size)
    _refresh(database)
    print(f"{size:,} runs: recorded in {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    return filled


def _refresh(database: Database) -> None:
    """Do what autovacuum does in the background, and what SQLite does at its checkpoints."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        statement = "PRAGMA wal_checkpoint(TRUNCATE)" if database.is_sqlite else "VACUUM ANALYZE"
        connection.exec_driver_sql(statement)


async def _compare(filled: Sequence[_Filled]) -> None:
    times = await _times(filled, _READS)
    sizes = [one.size for one in filled]
    basis = sizes.index(_COMPARED_WITH) if _COMPARED_WITH in sizes else 0
    print(f"| | {' | '.join(f'{size:,} runs' for size in sizes)} | ratio |")
    print("|---|" + "--:|" * (len(sizes) + 1))
    for read, row in times.items():
        cells = " | ".join(f"{milliseconds:.1f}" for milliseconds in row)
        print(f"| {read} | {cells} | {max(row[basis:]) / row[basis]:.2f} |", flush=True)


async def _times(filled: Sequence[_Filled], reads: dict[str, str]) -> dict[str, list[float]]:
    """Return the p50 of each read on each server, in milliseconds."""
    connections = [await Connection(one.server.port).open() for one in filled]
    times: dict[str, list[float]] = {}
    for name, read in reads.items():
        samples: list[list[float]] = [[] for _ in filled]
        # In turns, because the speed of a shared machine varies.
        for _ in range(_WARM_UP + _REQUESTS):
            for one, connection, taken in zip(filled, connections, samples, strict=True):
                began = time.perf_counter()
                status, content = await connection.call("GET", one.path(read))
                taken.append(time.perf_counter() - began)
                _check(name, one, status, content)
        times[name] = [statistics.median(taken[_WARM_UP:]) * 1000 for taken in samples]
    for connection in connections:
        connection.close()
    return times


def _check(name: str, filled: _Filled, status: int, content: bytes) -> None:
    """Check that a page is full, so that pages of equal length are compared."""
    if status == 404 and not filled.size:
        return
    if status != 200:
        raise RuntimeError(f"{name}: {status}: {content[:300]!r}")
    page = json.loads(content)
    rows = [page[key] for key in ("generations", "projects", "nodes") if key in page]
    has_none = "without any" in name or "none has" in name
    if filled.size and rows and len(rows[0]) != (0 if has_none else 100):
        raise RuntimeError(f"{name}: the page of {filled.size:,} runs has {len(rows[0])} rows")


if __name__ == "__main__":
    run([int(word) for word in sys.argv[1:]] or _SIZES)
