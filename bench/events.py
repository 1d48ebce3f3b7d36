"""What events cost an admission, and how soon five hundred listeners hear of them, on both databases."""

import asyncio
import importlib
import itertools
import re
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from support.postgres import Postgres, running_postgres
from support.server import CARDS, Account, new_account
from terrarium_server import accounts, events, ids, migrations, runs
from terrarium_server.admission import Admission, GenerationRequest
from terrarium_server.catalog import Catalog, load_cards
from terrarium_server.media import FetchRules
from terrarium_server.store import Database, Transaction

from .load import Connection, rate_of
from .server import KEY, Server, running_server

_WRITERS = 16
_TURN_SECONDS = 1.0
_TURNS = 16
_LISTENERS = 500
_STARTS_PER_SECOND = 20
_LISTEN_SECONDS = 20.0
_NO_LIMIT = 1_000_000
_EVENT = re.compile(rb'id: (\d+)\nevent: run\.[^\n]*\ndata: [^\n]*"created_at":(\d+)')


def run(turns: int = _TURNS) -> None:
    """Measure SQLite, then PostgreSQL, and print a table of each part."""
    with running_postgres() as postgres:
        print("\n## events: 16 writers that admit runs, with events and without\n")
        print("| | projects | with/s | without/s | ratio |\n|---|--:|--:|--:|--:|")
        for name, projects in itertools.product(("sqlite", "postgresql"), (1, _WRITERS)):
            _cost(name, projects, postgres if name == "postgresql" else None, turns)
        print(f"\n## events: {_LISTENERS} listeners, {_STARTS_PER_SECOND} starts a second in their project\n")
        print("| | starts/s | delivery p50 ms | p99 ms | delivered/s | missed |\n|---|--:|--:|--:|--:|--:|")
        for name in ("sqlite", "postgresql"):
            _delivery(name, postgres if name == "postgresql" else None)


def _cost(name: str, projects: int, postgres: Postgres | None, turns: int) -> None:
    """Compare admissions with and without the recording of events, in interleaved turns."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(postgres.fresh_database() if postgres else f"sqlite:///{folder}/terrarium.db")
        migrations.upgrade(database, migrations.Facts({}, {}))
        with database.transaction() as tx:
            tenants = [new_account(tx, credits=_NO_LIMIT) for _ in range(projects)]
        admission = Admission(Catalog(load_cards(CARDS)), _NO_LIMIT, FetchRules())
        rates: dict[bool, list[float]] = {True: [], False: []}
        for turn in range(turns + 1):
            # Each goes first in turn, because the second one finds a larger database.
            for recorded in (True, False) if turn % 2 else (False, True):
                with nullcontext() if recorded else _nothing_recorded():
                    rates[recorded].append(asyncio.run(_admitted(database, admission, tenants)))
        database.close()
    # The first turn fills the caches.
    with_events, without = rates[True][1:], rates[False][1:]
    ratio = statistics.median(one / other for one, other in zip(with_events, without, strict=True))
    figures = f"{statistics.median(with_events):.0f} | {statistics.median(without):.0f} | {ratio:.2f}"
    print(f"| {name} | {projects} | {figures} |", flush=True)


@contextmanager
def _nothing_recorded() -> Iterator[None]:
    # A benchmark may replace what no other code may know of.
    writes: Any = importlib.import_module("terrarium_server.admission._writes")
    record, at_once = events.record, writes._WAKE_AND_RECORD

    def nothing(_tx: Transaction, _changes: Any) -> None:
        pass

    events.record = nothing
    # PostgreSQL records the event of a start in the statement that wakes its turn; this one only wakes.
    writes._WAKE_AND_RECORD = sa.select(sa.literal_column("1")).add_cte(runs.WAKE_AT_ONCE.cte("woken"))
    try:
        yield
    finally:
        events.record, writes._WAKE_AND_RECORD = record, at_once


async def _admitted(database: Database, admission: Admission, tenants: list[Account]) -> float:
    """Return how many runs 16 writers admit per second."""
    count = 0
    began = time.perf_counter()

    async def write(tenant: Account) -> None:
        nonlocal count
        target = (tenant.workspace_id, tenant.project_id)
        request = GenerationRequest(*target, "text", "a fern", "t2t-rehearsal", {})

        def work(tx: Transaction) -> None:
            caller = accounts.authenticate(tx, tenant.api_key)
            admission.admit(tx, caller, request, ids.mint("run"))

        while time.perf_counter() < began + _TURN_SECONDS:
            await database.write(work)
            count += 1

    await asyncio.gather(*(write(tenants[number % len(tenants)]) for number in range(_WRITERS)))
    return count / (time.perf_counter() - began)


def _delivery(name: str, postgres: Postgres | None) -> None:
    """Measure from the beginning of an admission to the arrival of its event at each listener."""
    url = postgres.fresh_database() if postgres else None
    with tempfile.TemporaryDirectory() as folder, running_server(Path(folder), url, "--no-workers") as server:
        listeners, starts, seconds = asyncio.run(_listen_and_start(server))
    delays = [delay for listener in listeners for delay in listener.delays]
    missed = sum(listener.missed for listener in listeners) + len(listeners) * starts - len(delays)
    rate = rate_of(delays, seconds)
    print(
        f"| {name} | {starts / seconds:.0f} | {rate.p50:.0f} | {rate.p99:.0f} | {rate.per_second:.0f}"
        f" | {missed} |",
        flush=True,
    )


class _Listener:
    """A connection that listens to the project; ``delays`` in seconds."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.delays: list[float] = []
        self.missed = 0
        self._last = 0

    async def open(self) -> None:
        self._reader, writer = await asyncio.open_connection("127.0.0.1", self._server.port)
        path = f"/api/v1/projects/{self._server.project_id}/events"
        writer.write(f"GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {KEY}\r\n\r\n".encode())
        opening = await self._reader.readuntil(b'{"number":')
        assert opening.startswith(b"HTTP/1.1 200"), opening
        self._last = int((await self._reader.readuntil(b"}\n"))[:-2])
        self._writer = writer

    async def listen(self) -> None:
        """Note the delays of all events; ends when it is cancelled."""
        rest = b""
        while True:
            rest += await self._reader.read(1 << 16)
            now = time.time() * 1000
            end = 0
            for event in _EVENT.finditer(rest):
                number, end = int(event[1]), event.end()
                self.missed += number - self._last - 1
                self._last = number
                self.delays.append((now - int(event[2])) / 1000)
            rest = rest[end:]

    def close(self) -> None:
        self._writer.close()


async def _listen_and_start(server: Server) -> tuple[list[_Listener], int, float]:
    listeners = [_Listener(server) for _ in range(_LISTENERS)]
    for listener in listeners:
        await listener.open()
    listening = [asyncio.create_task(listener.listen()) for listener in listeners]
    writers = [await Connection(server.port).open() for _ in range(_WRITERS)]
    starts = 0
    began = time.perf_counter()

    async def write(connection: Connection) -> None:
        nonlocal starts
        while time.perf_counter() < began + _LISTEN_SECONDS:
            await connection.call("POST", "/api/v1/generate", server.body(), uuid.uuid4().hex)
            starts += 1
            await asyncio.sleep(_WRITERS / _STARTS_PER_SECOND)

    await asyncio.gather(*map(write, writers))
    seconds = time.perf_counter() - began
    # What is on its way arrives in much less.
    await asyncio.sleep(3)
    for task in listening:
        task.cancel()
    for connection in (*listeners, *writers):
        connection.close()
    return listeners, starts, seconds


if __name__ == "__main__":
    run(*(int(word) for word in sys.argv[1:2]))
