"""A data folder and a database, on which one server after the other works with the models that ship."""

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

from crash.orders import Order, Taken
from crash.world import wait_until
from support import processes
from support.server import DEADLINE, Account, Server, running_server, terrarium
from terrarium_server import ledger
from terrarium_server.ledger import entries

# All models at once have little of a processor each, and other tests may take most of it.
PATIENCE = 240.0

# Two processes where one kind makes pictures and clips, so that both are at work at the same time.
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
    """What is left when a server is gone. ``database_url`` is None for SQLite in the data folder."""

    folder: Path
    database_url: str | None = None

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "data"

    @property
    def jobs(self) -> Path:
        """The folder in which jobs leave their files while they are made."""
        return self.data / "tmp"

    @property
    def system_temporary(self) -> Path:
        """What the servers take for the system's folder for temporary files; nobody else uses it."""
        return self.folder / "system"

    @property
    def printed(self) -> str:
        """The log of all servers."""
        return (self.data / "server.log").read_text()

    def left_in(self, folder: Path) -> list[Path]:
        """The files below one of the two folders."""
        # A walk does not mind what is deleted meanwhile.
        return [Path(place) / name for place, _, names in os.walk(folder) for name in names]

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
        """Run a worker beside a server that has none, with its settings, in a session of its own."""
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
                said = process.stdout.readline()
                assert "ready" in said, f"the worker said: {said}"
                yield process
            finally:
                process.kill()


class Client:
    """Orders from a server, and looks at what it makes."""

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

    def order(self, order: Order, taken: Taken | None = None) -> str:
        """Start a run and return its id; ``taken`` are the runs whose outputs it may start from."""
        answer = self._http.post("/generate", json=order.body(self.account, taken or {}))
        assert answer.status_code == 201, answer.text
        return answer.json()["run_id"]

    def run(self, run_id: str) -> dict[str, Any]:
        return self._http.get(f"/runs/{run_id}").raise_for_status().json()

    def runs(self) -> dict[str, dict[str, Any]]:
        """All runs by their ids, as the list shows them."""
        answer = self._http.get("/generations", params={"limit": 100}).raise_for_status().json()
        return {run["run_id"]: run for run in answer["generations"]}

    def cancel(self, run_id: str) -> None:
        self._http.post(f"/runs/{run_id}/cancel").raise_for_status()

    def wait_until_over(self, *run_ids: str) -> dict[str, dict[str, Any]]:
        """Wait for the end of these runs, or of all, and return them."""
        deadline = time.monotonic() + PATIENCE
        while True:
            found = self.runs()
            wanted = {run_id: found[run_id] for run_id in run_ids or found}
            left = {run_id: run for run_id, run in wanted.items() if run["status"] in ("pending", "running")}
            if not left:
                return wanted
            assert time.monotonic() < deadline, f"not over after {PATIENCE:.0f} s: {left}"
            time.sleep(0.1)

    def downloads(self, run: dict[str, Any]) -> list[bytes]:
        """What a run's outputs hold."""
        return [
            output["url"].encode()
            if output["type"] == "text"
            else self._http.get(output["url"]).raise_for_status().content
            for output in run["outputs"]
        ]

    def check_everything_was_made_and_paid_once(self) -> None:
        """Every run is completed, its outputs can be read, and the workspace has paid for it once."""
        found = self.runs()
        not_completed = [
            (run["model"]["model_id"], run["status"], run.get("error_message"))
            for run in found.values()
            if run["status"] != "completed"
        ]
        assert not not_completed, f"of {len(found)} runs not completed: {not_completed}"
        for run in found.values():
            assert run["outputs"] and all(self.downloads(run)), run
        with self._server.transaction() as tx:
            problems = ledger.check(tx)
            assert not problems, problems
            balance = ledger.read_balance(tx, self.account.workspace_id)
            rows = tx.execute(entries.select()).mappings().all()
        granted = sum(row["amount_micros"] for row in rows if row["run_id"] is None)
        charged = sum(round(run["charged_cost"] * 1_000_000) for run in found.values())
        assert balance == granted - charged, (balance, granted, charged)
        phases = sorted((row["run_id"], row["phase"]) for row in rows if row["run_id"] is not None)
        assert phases == sorted((run_id, phase) for run_id in found for phase in ("close", "open")), phases


def model_processes(process: subprocess.Popen[str]) -> list[int]:
    """The processes in which the models of a server or worker live, and whatever else it has started."""
    return processes.children(process.pid)


def signal_all(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Send a signal to a process, its group and all that it has started, as an init system ends a service."""
    below = processes.descendants(process.pid)
    os.killpg(process.pid, number)
    processes.send(number, below)


def wait_until_stopping(server: Server) -> None:
    """Wait until a server that was told to stop has heard of it: nobody can connect to it any more."""

    def takes_nobody() -> bool:
        try:
            httpx.get(f"{server.base_url}/healthz", trust_env=False)
        except httpx.TransportError:
            return True
        return False

    wait_until(takes_nobody, "the server should hear that it is to stop")


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a process alone, and wait until all that it had started is gone too."""
    below = processes.descendants(process.pid)
    process.kill()
    process.wait()
    wait_until_gone(below)


def wait_until_ended(process: subprocess.Popen[str]) -> None:
    """Wait until a process has ended that was told to, with all that it had started."""
    seen: set[int] = set()

    def has_ended() -> bool:
        seen.update(processes.descendants(process.pid))
        return process.poll() is not None

    wait_until(has_ended, "the process should end")
    wait_until_gone(seen)


def wait_until_gone(pids: Collection[int]) -> None:
    """Wait until none of these processes is there any more."""

    def are_gone() -> bool:
        return not any(map(processes.is_alive, pids))

    left = lambda: [processes.words_of(pid) for pid in pids if processes.is_alive(pid)]  # noqa: E731
    try:
        wait_until(are_gone, "whatever the server started should be gone")
    except AssertionError as error:
        raise AssertionError(f"{error}: {left()}") from error
