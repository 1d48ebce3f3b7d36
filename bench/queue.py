"""Whether claims and admissions stay as fast however many runs wait: their statements, on both databases."""

import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from support.postgres import Postgres, running_postgres
from support.records import pending_run, queue
from terrarium_server import ids, migrations, runs
from terrarium_server.store import Database

from .load import Rate, rate_of

_TIMES = 400
_WARM_UP = 20
_LIMITS = {"full": 2}
_CAPACITY = {"full": 8, "bench": 8}
_CHUNK = 10_000


@dataclass(frozen=True)
class _Case:
    """What waits: so many runs of each of so many workspaces, and of one workspace at a full engine."""

    name: str
    workspaces: int
    runs_of_each: int
    behind_full: int = 0


_CASES = (
    _Case("10 in one workspace", 1, 10),
    _Case("1,000", 1, 1_000),
    _Case("100,000", 1, 100_000),
    _Case("1,000 workspaces × 100", 1_000, 100),
    _Case("10, and 100,000 for a full engine", 1, 10, behind_full=100_000),
)


def run(times: int = _TIMES) -> None:
    """Measure all cases in turns and print a table for each database."""
    with running_postgres() as postgres:
        for name in ("sqlite", "postgresql"):
            with ExitStack() as stack:
                of_name = postgres if name == "postgresql" else None
                queues = [_Queue(stack, case, of_name) for case in _CASES]
                # In turns, because the speed of a shared machine varies.
                for _ in range(_WARM_UP + times):
                    for one in queues:
                        one.turn()
                _print(name, queues)


@dataclass
class _Queue:
    """A database with runs that wait."""

    stack: ExitStack
    case: _Case
    postgres: Postgres | None
    admitted: list[float] = field(default_factory=list[float])
    claimed: list[float] = field(default_factory=list[float])
    eight_claimed: list[float] = field(default_factory=list[float])

    def __post_init__(self) -> None:
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        url = self.postgres.fresh_database() if self.postgres else f"sqlite:///{folder / 'terrarium.db'}"
        self._database = Database(url)
        self.stack.callback(self._database.close)
        migrations.upgrade(self._database, migrations.Facts({}, {}))
        self._turns = 0
        for workspace in range(self.case.workspaces):
            self._fill("bench", f"ws_{workspace}", self.case.runs_of_each)
        self._fill("full", "ws_full", self.case.behind_full)
        with self._database.transaction() as tx:
            for running in range(_LIMITS["full"]):
                blocking = pending_run(f"run_{running}", engine="full", state="running")
                runs.record(tx, blocking)
        with self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            # What autovacuum does in the background, and SQLite at its checkpoints.
            is_sqlite = self._database.is_sqlite
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)" if is_sqlite else "VACUUM ANALYZE")

    def turn(self) -> None:
        """Admit runs and claim as many, so that the queue keeps its length."""
        workspace_id = f"ws_{self._turns % self.case.workspaces}"
        self._turns += 1
        self.admitted.append(_seconds(lambda: self._admit(workspace_id)))
        for _ in range(7):
            self._admit(workspace_id)
        self.claimed.append(_seconds(lambda: self._claim(1)))
        self._admit(workspace_id)
        self.eight_claimed.append(_seconds(lambda: self._claim(8)))

    def rates(self) -> list[Rate]:
        """Return the times of an admission, of a claim, and of a claim of eight runs."""
        return [
            rate_of(times[_WARM_UP:], sum(times[_WARM_UP:]))
            for times in (self.admitted, self.claimed, self.eight_claimed)
        ]

    def _admit(self, workspace_id: str) -> None:
        with self._database.transaction() as tx:
            queue(tx, pending_run(ids.mint("run"), engine="bench", workspace_id=workspace_id))

    def _claim(self, count: int) -> None:
        with self._database.transaction() as tx:
            claimed = runs.claim(tx, "wrk_bench", count, _CAPACITY, _LIMITS)
        if len(claimed) != count:
            raise RuntimeError(f"{len(claimed)} of {count} were claimed")

    def _fill(self, engine: str, workspace_id: str, count: int) -> None:
        for first in range(0, count, _CHUNK):
            several = [
                runs.record_values(pending_run(ids.mint("run"), engine=engine, workspace_id=workspace_id))
                for _ in range(first, min(first + _CHUNK, count))
            ]
            with self._database.transaction() as tx:
                tx.execute(runs.RECORD, several)
        if count:
            with self._database.transaction() as tx:
                runs.wake(tx, [(engine, workspace_id)])


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _print(name: str, queues: list[_Queue]) -> None:
    print(f"\n## queue, {name}: p50 / p99 in ms, and the p50 as a multiple of the smallest queue's\n")
    print("| waiting | admission | | claim of one | | claim of eight | |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    least = queues[0].rates()
    for one in queues:
        cells = [
            f"{rate.p50:.2f} / {rate.p99:.2f} | {rate.p50 / first.p50:.2f}"
            for rate, first in zip(one.rates(), least, strict=True)
        ]
        print(f"| {one.case.name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    run(*(int(word) for word in sys.argv[1:]))
