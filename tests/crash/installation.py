"""A data folder and a database for servers that run one after the other, with the shipped models."""

import os
import signal
import subprocess
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from crash.deployment import wait_until
from crash.generations import Generation, Sources
from support import processes
from support.server import DEADLINE, Account, Server, running_server, terrarium
from terrarium_server import ledger
from terrarium_server.ledger import entries

# All models together have little processor time each, and other tests may run at the same time.
PATIENCE = 240.0

# Two processes for the kinds that make pictures and clips, so that both can be busy at the same time.
_CONFIG = """
[[engine]]
kind = "sketch"
processes = 2

[[engine]]
kind = "onnx"
processes = 2
"""
_KEY = "a-key-of-the-tests"


@dataclass(frozen=True)
class Installation:
    """What servers leave behind. ``database_url`` is None for SQLite in the data folder."""

    folder: Path
    database_url: str | None = None

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "data"

    @property
    def jobs(self) -> Path:
        """The folder for the files of unfinished jobs."""
        return self.data / "tmp"

    @property
    def system_temporary(self) -> Path:
        """The servers' own folder for temporary files, instead of the system's."""
        return self.folder / "system"

    @property
    def printed(self) -> str:
        """The log of all servers."""
        return (self.data / "server.log").read_text()

    def left_in(self, folder: Path) -> list[Path]:
        """Return the files below one of the two folders."""
        # `os.walk` tolerates files that are deleted meanwhile.
        return [Path(parent) / name for parent, _, names in os.walk(folder) for name in names]

    @contextmanager
    def serve(self, **settings: object) -> Iterator[Server]:
        """Run a server in a session of its own, as a service or from a terminal."""
        self.system_temporary.mkdir(exist_ok=True, parents=True)
        config = self.folder / "terrarium.toml"
        config.write_text(_CONFIG)
        with running_server(
            self.data,
            database_url=self.database_url,
            variables={"TMPDIR": str(self.system_temporary)},
            own_session=True,
            **{"config": config, "bootstrap_key": _KEY, **settings},
        ) as server:
            yield server

    @contextmanager
    def work(self, server: Server) -> Iterator[subprocess.Popen[str]]:
        """Run a worker for a server without one, with its settings, in a session of its own."""
        with (
            (self.data / "worker.log").open("a") as log,
            subprocess.Popen(
                terrarium("worker"),
                env=server.environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            ) as process,
        ):
            try:
                assert process.stdout is not None
                line = process.stdout.readline()
                assert "ready" in line, f"the worker printed: {line}"
                yield process
            finally:
                process.kill()


class Client:
    """Starts runs on a server, and checks their results."""

    def __init__(self, server: Server) -> None:
        self.account: Account = server.first
        self._server = server
        self._http = httpx.Client(
            base_url=f"{server.base_url}/api/v1",
            headers={"authorization": f"Bearer {server.first.api_key}"},
            timeout=DEADLINE,
            trust_env=False,
        )

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def start(self, generation: Generation, sources: Sources | None = None) -> str:
        """Start a run and return its id; ``sources`` are the runs whose outputs it may start from."""
        answer = self._http.post("/generate", json=generation.body(self.account, sources or {}))
        assert answer.status_code == 201, answer.text
        return answer.json()["run_id"]

    def run(self, run_id: str) -> dict[str, Any]:
        return self._http.get(f"/runs/{run_id}").raise_for_status().json()

    def runs(self) -> dict[str, dict[str, Any]]:
        """Return all runs by their ids, as the list shows them."""
        answer = self._http.get("/generations", params={"limit": 100}).raise_for_status().json()
        return {run["run_id"]: run for run in answer["generations"]}

    def cancel(self, run_id: str) -> None:
        self._http.post(f"/runs/{run_id}/cancel").raise_for_status()

    def wait_until_over(self, *run_ids: str) -> dict[str, dict[str, Any]]:
        """Wait for the end of these runs, or of all, and return them."""
        deadline = time.monotonic() + PATIENCE
        while True:
            runs = self.runs()
            wanted = {run_id: runs[run_id] for run_id in run_ids or runs}
            left = {run_id: run for run_id, run in wanted.items() if run["status"] in ("pending", "running")}
            if not left:
                return wanted
            assert time.monotonic() < deadline, f"not over after {PATIENCE:.0f} s: {left}"
            time.sleep(0.1)

    def downloads(self, run: dict[str, Any]) -> list[bytes]:
        """Return the contents of a run's outputs."""
        return [
            output["url"].encode()
            if output["type"] == "text"
            else self._http.get(output["url"]).raise_for_status().content
            for output in run["outputs"]
        ]

    def check_everything_was_made_and_paid_once(self) -> None:
        """Check that every run is completed, its outputs can be read, and it was paid for once."""
        runs = self.runs()
        not_completed = [
            (run["model"]["model_id"], run["status"], run.get("error_message"))
            for run in runs.values()
            if run["status"] != "completed"
        ]
        assert not not_completed, f"of {len(runs)} runs not completed: {not_completed}"
        for run in runs.values():
            assert run["outputs"] and all(self.downloads(run)), run
        with self._server.transaction() as tx:
            problems = ledger.check(tx)
            assert not problems, problems
            balance = ledger.read_balance(tx, self.account.workspace_id)
            rows = tx.execute(entries.select()).mappings().all()
        granted = sum(row["amount_micros"] for row in rows if row["run_id"] is None)
        charged = sum(round(run["charged_cost"] * 1_000_000) for run in runs.values())
        assert balance == granted - charged, (balance, granted, charged)
        phases = sorted((row["run_id"], row["phase"]) for row in rows if row["run_id"] is not None)
        assert phases == sorted((run_id, phase) for run_id in runs for phase in ("close", "open")), phases


def model_processes(process: subprocess.Popen[str]) -> list[int]:
    """Return the children of a server or worker: mostly the processes of its models."""
    return processes.children(process.pid)


def signal_all(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Send a signal to a process, its group and all its descendants, as an init system stops a service."""
    descendants = processes.descendants(process.pid)
    os.killpg(process.pid, number)
    processes.send(number, descendants)


def wait_until_stopping(server: Server) -> None:
    """Wait until a server has begun to stop: it accepts no connections any more."""

    def refuses_connections() -> bool:
        try:
            httpx.get(f"{server.base_url}/healthz", trust_env=False)
        except httpx.TransportError:
            return True
        return False

    wait_until(refuses_connections, "the server should begin to stop")


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a process alone, and wait until all its descendants are gone too."""
    descendants = processes.descendants(process.pid)
    process.kill()
    process.wait()
    wait_until_gone(descendants)


def wait_until_ended(process: subprocess.Popen[str]) -> None:
    """Wait until a process that was told to stop has ended, with all its descendants."""
    descendants: set[int] = set()

    def has_ended() -> bool:
        descendants.update(processes.descendants(process.pid))
        return process.poll() is not None

    wait_until(has_ended, "the process should end")
    wait_until_gone(descendants)


def wait_until_gone(pids: Collection[int]) -> None:
    """Wait until all of these processes have ended."""

    def are_gone() -> bool:
        return not any(map(processes.is_alive, pids))

    left = lambda: [processes.command_line(pid) for pid in pids if processes.is_alive(pid)]  # noqa: E731
    try:
        wait_until(are_gone, "all processes of the server should have ended")
    except AssertionError as error:
        raise AssertionError(f"{error}: {left()}") from error
