"""The cost of storing an output: file, records and the end of its run, compared with a bare durable write."""

import hashlib
import os
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

from support.records import pending_run, queue
from terrarium_server import accounts, assets, ids, ledger, migrations, runs, settlement
from terrarium_server.rates import Rate
from terrarium_server.store import Blobs, Database

_SIZES = {"100 KiB": 100 << 10, "10 MiB": 10 << 20}
_TIMES = 60
_RUN = {"project_id": None, "node_id": None, "engine": "bench", "held_micros": 1000, "actor": "system"}


def run() -> None:
    """Store files of several sizes, alternately as outputs and with bare writes."""
    print("\n## keeping: one output, from the engine's file to a completed run, SQLite\n")
    print("| file | stored, ms | bare write, flush, hash and row, ms | ratio |\n|---|--:|--:|--:|")
    for name, size in _SIZES.items():
        with tempfile.TemporaryDirectory() as folder:
            kept, bare = _Kept(Path(folder) / "kept"), _Bare(Path(folder) / "bare")
            times: tuple[list[float], list[float]] = ([], [])
            for number in range(_TIMES):
                for seconds, keep in zip(times, (kept, bare), strict=True):
                    made = Path(folder) / "made"
                    made.write_bytes(number.to_bytes(4) + os.urandom(1 << 10) * (size >> 10))
                    seconds.append(keep(made))
            ours, theirs = (1000 * statistics.median(seconds) for seconds in times)
        print(f"| {name} | {ours:.2f} | {theirs:.2f} | {ours / theirs:.2f} |", flush=True)


class _Kept:
    """A workspace whose runs end one after the other."""

    def __init__(self, folder: Path) -> None:
        self._database = Database(f"sqlite:///{folder / 'terrarium.db'}")
        migrations.upgrade(self._database, migrations.Facts({}, {}))
        self._blobs = Blobs(folder / "media")
        with self._database.transaction() as tx:
            workspace = accounts.create_workspace(tx, "Bench")
            self._workspace_id = workspace.workspace_id
            ledger.open_account(tx, self._workspace_id)
            ledger.grant(tx, self._workspace_id, 1_000_000_000, note="bench")

    def __call__(self, made: Path) -> float:
        run_id = ids.mint("run")
        with self._database.transaction() as tx:
            ledger.hold(tx, self._workspace_id, run_id, 1000, Rate(1_000_000))
            queue(tx, pending_run(run_id, workspace_id=self._workspace_id, **_RUN))
            [run] = runs.claim(tx, "wrk_bench", 1, {"bench": 1})
        began = time.perf_counter()
        described = {"type": "image", "content_type": "image/png", "width": 512, "height": 512}
        kept = assets.keep(
            self._blobs, run_id, self._workspace_id, 0, **described, data=made, now_ms=run.created_at
        )
        with self._database.transaction() as tx:
            if not settlement.complete(tx, run, [kept]):
                raise RuntimeError("the run was not completed")
        return time.perf_counter() - began


class _Bare:
    """A folder and a table, equally durable."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
        for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL"):
            self._connection.execute(statement)
        self._connection.execute("CREATE TABLE files (name TEXT PRIMARY KEY, sha256 TEXT, size INTEGER)")

    def __call__(self, made: Path) -> float:
        began = time.perf_counter()
        name = os.urandom(8).hex()
        with made.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        made.rename(self._folder / name)
        number = os.open(self._folder, os.O_RDONLY)
        os.fsync(number)
        os.close(number)
        size = (self._folder / name).stat().st_size
        self._connection.execute("INSERT INTO files VALUES (?, ?, ?)", (name, digest, size))
        return time.perf_counter() - began


if __name__ == "__main__":
    run()
