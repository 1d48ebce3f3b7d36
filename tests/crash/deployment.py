"""A deployment under test: processes with injected faults, one database and one provider."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from crash.database_errors import Injection
from crash.faults import ANNOUNCEMENT, CLAIM_REFUSED
from crash.provider import Provider
from support.server import DEADLINE, Account, finished, new_account
from terrarium_server import runs
from terrarium_server.execution import submissions, workers
from terrarium_server.runs import Run
from terrarium_server.store import Database

GRANT_USD = 10.0
WORKER_TIMEOUT = 2
_HERE = Path(__file__).parent


def wait_until(condition: Callable[[], bool], what: str, *, seconds: float = DEADLINE) -> None:
    """Wait until a condition holds; ``what`` describes it in the failure."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"timed out: {what}"
        time.sleep(0.05)


class Launcher:
    """Starts processes through `fork_server.py`, which has imported everything in advance."""

    def __init__(self, program: subprocess.Popen[str]) -> None:
        self._program = program
        self._lock = threading.Lock()

    def start(self, command: str, arguments: list[str], environment: dict[str, str], log: Path) -> "Process":
        start = {"command": command, "arguments": arguments, "environment": environment, "log": str(log)}
        assert self._program.stdin is not None and self._program.stdout is not None
        with self._lock:
            self._program.stdin.write(json.dumps(start) + "\n")
            self._program.stdin.flush()
            return Process(int(self._program.stdout.readline()), log)


@contextmanager
def running_launcher() -> Iterator[Launcher]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TERRARIUM_")}
    kept["PYTHONPATH"] = str(_HERE.parent)
    command = [sys.executable, "-m", "crash.fork_server"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=kept) as program:
        yield Launcher(program)


@dataclass(frozen=True)
class Process:
    """A server or a worker, and what it has printed."""

    pid: int
    log: Path

    @property
    def is_alive(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    @property
    def printed(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    @property
    def base_url(self) -> str:
        return self.wait_for(r"at (http://127\.0\.0\.1:\d+)")

    def wait_for(self, pattern: str) -> str:
        """Wait until the process has printed something and return the pattern's first group."""
        deadline = time.monotonic() + DEADLINE
        while not (match := re.search(pattern, self.printed)):
            assert self.is_alive, f"ended before it printed {pattern}:\n{self.printed}"
            assert time.monotonic() < deadline, f"did not print {pattern}:\n{self.printed}"
            time.sleep(0.02)
        return match[1]

    def kill(self) -> None:
        self._send(signal.SIGKILL)
        self.wait_until_gone()

    def stop(self) -> None:
        self.ask_to_stop()
        self.wait_until_gone()

    def ask_to_stop(self) -> None:
        self._send(signal.SIGTERM)

    def pause(self) -> None:
        """Suspend the process; `resume` continues it."""
        self._send(signal.SIGSTOP)
        self._wait_until_suspended()

    def resume(self) -> None:
        self._send(signal.SIGCONT)

    def wait_until_it_stopped_itself(self) -> None:
        self.wait_for(f"({ANNOUNCEMENT})")
        self._wait_until_suspended()

    def wait_until_it_killed_itself(self) -> None:
        self.wait_until_gone()
        assert ANNOUNCEMENT in self.printed, f"ended, but not where it should:\n{self.printed}"

    def wait_until_gone(self) -> None:
        deadline = time.monotonic() + DEADLINE
        while self.is_alive:
            assert time.monotonic() < deadline, f"the process still runs:\n{self.printed}"
            time.sleep(0.01)

    def _wait_until_suspended(self) -> None:
        status = Path(f"/proc/{self.pid}/stat")
        if status.exists():
            wait_until(
                lambda: status.read_text().rpartition(") ")[2].startswith("T"), "it should be suspended"
            )

    def _send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)


@dataclass
class Deployment:
    """One database, its media and the provider; ``database_url`` is None for SQLite in the folder."""

    folder: Path
    database_url: str | None
    launcher: Launcher
    provider_url: str
    provider: Provider
    database: Database = field(init=False)
    processes: list[Process] = field(default_factory=list[Process])

    def __post_init__(self) -> None:
        self.database = Database(self.database_url or f"sqlite:///{self.folder / 'data' / 'terrarium.db'}")

    @property
    def gate(self) -> Path:
        """While this file exists, processes started with ``gated`` claim nothing."""
        return self.folder / "gate"

    def wait_until_claim_refused(self) -> None:
        """Wait until a claim was refused: earlier claims have returned by then."""
        file = self.gate.with_name(CLAIM_REFUSED)
        file.unlink(missing_ok=True)
        wait_until(file.exists, "a claim should be refused")

    @property
    def broken(self) -> Path:
        """While this file exists, the SQLite file can be neither read nor written."""
        return self.folder / "broken"

    @property
    def errors(self) -> Path:
        """Processes started with this file as ``errors`` read from it what `inject` wrote."""
        return self.folder / "errors"

    def inject(self, injection: Injection) -> None:
        """Inject database errors from the next claim on."""
        fresh = self.folder / "injection"
        fresh.write_text(json.dumps(asdict(injection)))
        os.replace(fresh, self.errors)

    @contextmanager
    def closed_gate(self) -> Iterator[None]:
        self.gate.touch()
        try:
            yield
        finally:
            self.gate.unlink()

    def serve(self, *arguments: str, gated: bool = False, **faults: str) -> Process:
        """Start a server; ``faults`` by the names in `crash.faults`, without the prefix, e.g. ``at=…``."""
        return self._start("serve", ["--port", "0", *arguments], faults, gated=gated)

    def worker(self, *, gated: bool = False, **faults: str) -> Process:
        process = self._start("worker", [], faults, gated=gated)
        process.wait_for("(ready)")
        return process

    def api_and_worker(self, *, gated: bool = False, **faults: str) -> tuple[Process, Process]:
        """Start the process that admits runs and the one that executes them: on SQLite, the same."""
        if self.database.is_sqlite:
            process = self.serve(gated=gated, **faults)
            return process, process
        return self.serve("--no-workers"), self.worker(gated=gated, **faults)

    def _start(self, command: str, arguments: list[str], faults: dict[str, str], *, gated: bool) -> Process:
        environment = {
            "TERRARIUM_DATA_DIR": str(self.folder / "data"),
            "TERRARIUM_CARDS_DIR": str(_HERE / "cards"),
            "TERRARIUM_WORKER_TIMEOUT": str(WORKER_TIMEOUT),
            # So long that a process that ends on a signal cannot have waited for the end of this.
            "TERRARIUM_DRAIN_SECONDS": "3600",
            "TERRARIUM_RATE_LIMIT": "1000000",
            "TERRARIUM_LOG_LEVEL": "WARNING",
            "CRASH_PROVIDER": self.provider_url,
            "CRASH_GATE": str(self.gate) if gated else "",
            "CRASH_CHORES": "0.5",
            "CRASH_BROKEN": str(self.broken) if self.database.is_sqlite else "",
        }
        environment |= {f"CRASH_{name.upper()}": value for name, value in faults.items()}
        if self.database_url is not None:
            environment["TERRARIUM_DATABASE_URL"] = self.database_url
        log = self.folder / f"{len(self.processes)}.log"
        process = self.launcher.start(command, arguments, environment, log)
        self.processes.append(process)
        return process

    def account(self) -> Account:
        with self.database.transaction() as tx:
            return new_account(tx, credits=GRANT_USD)

    def run(self, run_id: str) -> Run:
        with self.database.transaction() as tx:
            return runs.read_run(tx, run_id)

    def submissions(self, run_id: str) -> list[str]:
        """Return the states of a run's submissions, in order."""
        statement = sa.select(submissions.c.state).where(submissions.c.run_id == run_id)
        with self.database.transaction() as tx:
            return [row[0] for row in tx.execute(statement.order_by(submissions.c.number))]

    def leases(self) -> dict[str, int]:
        """Return the end of each worker's lease, in the order in which the workers were started."""
        statement = sa.select(workers.c.worker_id, workers.c.lease_until).order_by(workers.c.worker_id)
        with self.database.transaction() as tx:
            return {name: until for name, until in map(tuple, tx.execute(statement))}

    def wait_until_followed(self, *run_ids: str) -> None:
        """Wait until the provider was polled for each of these runs."""
        wait_until(lambda: self.provider.polls.keys() >= {*run_ids}, "they should be followed")

    def has_lease(self, worker_id: str) -> bool:
        """Whether a worker's lease is valid by the database's clock."""
        statement = sa.select(workers.c.lease_until > sa.bindparam("now")).where(
            workers.c.worker_id == worker_id
        )
        with self.database.transaction() as tx:
            return bool(tx.execute(statement, {"now": tx.execute(sa.select(tx.clock)).scalar_one()}).scalar())

    def wait_for_leases(self, seconds: float) -> None:
        """Wait until each worker has renewed its lease for so many more seconds."""
        before = self.leases()

        def renewed() -> bool:
            now = self.leases()
            return all(now.get(name, 0) - until >= seconds * 1000 for name, until in before.items())

        wait_until(renewed, "the leases should be renewed")

    def close(self) -> None:
        for process in self.processes:
            process.kill()
        self.database.close()


class Caller:
    """A client of the server's API."""

    def __init__(self, process: Process, account: Account) -> None:
        headers = {"authorization": f"Bearer {account.api_key}"}
        self.account = account
        # verify=False, because loading the certificate authorities takes longer than most requests.
        self._client = httpx.Client(
            base_url=f"{process.base_url}/api/v1",
            headers=headers,
            timeout=DEADLINE,
            trust_env=False,
            verify=False,
        )

    def __enter__(self) -> "Caller":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def start(self, model: str, *, key: str | None = None, **params: str) -> httpx.Response:
        headers = {"idempotency-key": key} if key else {}
        ids = {"workspace_id": self.account.workspace_id, "project_id": self.account.project_id}
        body = {**ids, "type": "image", "prompt": "a crash", "model": model, "params": params}
        return self._client.post("/generate", json=body, headers=headers)

    def started(self, model: str, **params: str) -> str:
        """Start a run and return its id."""
        answer = self.start(model, **params)
        assert answer.status_code == 201, answer.text
        return answer.json()["run_id"]

    def start_batch(
        self, models: Sequence[str], *, max_parallel: int | None = None, key: str | None = None
    ) -> httpx.Response:
        headers = {"idempotency-key": key} if key else {}
        ids = {"workspace_id": self.account.workspace_id, "project_id": self.account.project_id}
        starts = [{"type": "image", "prompt": "a crash", "model": model} for model in models]
        body = {**ids, "starts": starts, "max_parallel": max_parallel}
        return self._client.post("/runs/batch", json=body, headers=headers)

    def cancel(self, run_id: str) -> None:
        self._client.post(f"/runs/{run_id}/cancel").raise_for_status()

    def ended(self, run_id: str) -> dict[str, Any]:
        """Wait for a run's end and return it."""
        return finished(self._client, run_id)

    def wait_until_answered(self) -> None:
        """Wait until the server answers again, after its database was unavailable."""
        wait_until(
            lambda: self._client.get("/workspaces").status_code == 200, "the server should answer again"
        )

    def get(self, path: str) -> Any:
        return self._client.get(path).raise_for_status().json()

    def download(self, url: str) -> bytes:
        return self._client.get(url).raise_for_status().content
