"""Processes that may be killed, around one database and one provider."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from crash.provider import Provider
from crash.victim import ANNOUNCEMENT
from support.server import DEADLINE, Account, finished, new_account
from terrarium_server.store import Database

GRANT_USD = 10.0
WORKER_TIMEOUT = 2
_HERE = Path(__file__).parent


class Launcher:
    """Starts processes by way of `victim.py`, which has everything imported already."""

    def __init__(self, program: subprocess.Popen[str]) -> None:
        self._program = program
        self._lock = threading.Lock()

    def start(self, command: str, words: list[str], environment: dict[str, str], log: Path) -> "Process":
        order = {"command": command, "words": words, "environment": environment, "log": str(log)}
        assert self._program.stdin is not None and self._program.stdout is not None
        with self._lock:
            self._program.stdin.write(json.dumps(order) + "\n")
            self._program.stdin.flush()
            return Process(int(self._program.stdout.readline()), log)


@contextmanager
def running_launcher() -> Iterator[Launcher]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TERRARIUM_")}
    command = [sys.executable, str(_HERE / "victim.py")]
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
        while not (found := re.search(pattern, self.printed)):
            assert self.is_alive, f"ended before it printed {pattern}:\n{self.printed}"
            assert time.monotonic() < deadline, f"did not print {pattern}:\n{self.printed}"
            time.sleep(0.02)
        return found[1]

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self._wait_until_gone()

    def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        self._wait_until_gone()

    def wait_until_it_killed_itself(self) -> None:
        self._wait_until_gone()
        assert ANNOUNCEMENT in self.printed, f"ended, but not where it should:\n{self.printed}"

    def _wait_until_gone(self) -> None:
        deadline = time.monotonic() + DEADLINE
        while self.is_alive:
            assert time.monotonic() < deadline, f"the process still runs:\n{self.printed}"
            time.sleep(0.01)


@dataclass
class World:
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

    @contextmanager
    def shut_gate(self) -> Iterator[None]:
        self.gate.touch()
        try:
            yield
        finally:
            self.gate.unlink()

    def serve(self, *words: str, crash: str = "", gated: bool = False) -> Process:
        return self._start("serve", ["--port", "0", *words], crash, gated=gated)

    def worker(self, *, crash: str = "", gated: bool = False) -> Process:
        process = self._start("worker", [], crash, gated=gated)
        process.wait_for("(ready)")
        return process

    def _start(self, command: str, words: list[str], crash: str, *, gated: bool) -> Process:
        environment = {
            "TERRARIUM_DATA_DIR": str(self.folder / "data"),
            "TERRARIUM_CARDS_DIR": str(_HERE / "cards"),
            "TERRARIUM_WORKER_TIMEOUT": str(WORKER_TIMEOUT),
            "TERRARIUM_RATE_LIMIT": "1000000",
            "TERRARIUM_LOG_LEVEL": "WARNING",
            "CRASH_PROVIDER": self.provider_url,
            "CRASH_AT": crash,
            "CRASH_GATE": str(self.gate) if gated else "",
        }
        if self.database_url is not None:
            environment["TERRARIUM_DATABASE_URL"] = self.database_url
        log = self.folder / f"{len(self.processes)}.log"
        process = self.launcher.start(command, words, environment, log)
        self.processes.append(process)
        return process

    def account(self) -> Account:
        with self.database.transaction() as tx:
            return new_account(tx, credits=GRANT_USD)

    def close(self) -> None:
        for process in self.processes:
            process.kill()
        self.database.close()


class Caller:
    """Speaks to a server as a client does."""

    def __init__(self, process: Process, account: Account) -> None:
        headers = {"authorization": f"Bearer {account.api_key}"}
        self.account = account
        self._client = httpx.Client(
            base_url=f"{process.base_url}/api/v1", headers=headers, timeout=DEADLINE, trust_env=False
        )

    def __enter__(self) -> "Caller":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def body(self, model: str) -> dict[str, str]:
        ids = {"workspace_id": self.account.workspace_id, "project_id": self.account.project_id}
        return {**ids, "type": "image", "prompt": "a crash", "model": model}

    def start(self, model: str, *, key: str | None = None) -> httpx.Response:
        headers = {"idempotency-key": key} if key else {}
        return self._client.post("/generate", json=self.body(model), headers=headers)

    def started(self, model: str) -> str:
        """Start a run and return its id."""
        answer = self.start(model)
        assert answer.status_code == 201, answer.text
        return answer.json()["run_id"]

    def ended(self, run_id: str) -> dict[str, Any]:
        """Wait for a run's end and return it."""
        return finished(self._client, run_id)

    def get(self, path: str) -> Any:
        return self._client.get(path).raise_for_status().json()

    def download(self, url: str) -> bytes:
        return self._client.get(url).raise_for_status().content
