"""Fixtures: a real `terrarium serve` in a process of its own, on a free loopback port and an empty folder."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest

from terrarium_server import accounts, ledger, money
from terrarium_server.settings import Settings
from terrarium_server.store import Database, Transaction

CARDS = Path(__file__).parent / "cards"
CONFIG = Path(__file__).parent / "terrarium.toml"
DEADLINE = 60.0
_STOP_SECONDS = 20


@dataclass(frozen=True)
class Account:
    """A workspace, a project in it and a key for both."""

    workspace_id: str
    project_id: str
    api_key: str

    def body(self, prompt: str = "a red cube", *, type: str = "text", **more: Any) -> dict[str, Any]:
        """The body that starts a generation here."""
        target = {"workspace_id": self.workspace_id, "project_id": self.project_id}
        return {**target, "type": type, "prompt": prompt, **more}


@dataclass(frozen=True)
class Server:
    """A running server and the account of its first start."""

    base_url: str
    first: Account
    greeting: str
    settings: dict[str, Any]
    environment: dict[str, str]
    process: subprocess.Popen[str]
    stop_requested: threading.Event = field(default_factory=threading.Event)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send a stop signal; from now on the server may end."""
        self.stop_requested.set()
        self.process.send_signal(number)

    @property
    def api_url(self) -> str:
        """The base URL for clients."""
        return f"{self.base_url}/api/v1"

    def client(self, api_key: str | None = None) -> httpx.Client:
        """A client with the given key, or with the first one."""
        headers = {"authorization": f"Bearer {api_key or self.first.api_key}"}
        return httpx.Client(base_url=self.api_url, headers=headers, timeout=DEADLINE)

    def admin(self, *words: str) -> Any:
        """Run `terrarium admin … --json` on the server's database and return its output."""
        command = [*terrarium("admin"), *words, "--json"]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def new_account(
        self, *, credits: float = 100.0, rate_limit: int | None = None, role: accounts.Role = "editor"
    ) -> Account:
        """Create a workspace with a project and a key in the server's database."""
        with self.transaction() as tx:
            return new_account(tx, credits=credits, rate_limit=rate_limit, role=role)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction on the server's database, from the test's process."""
        database = Database(Settings(**self.settings).database)
        try:
            with database.transaction() as tx:
                yield tx
        finally:
            database.close()


def new_account(
    tx: Transaction, *, credits: float = 100.0, rate_limit: int | None = None, role: accounts.Role = "editor"
) -> Account:
    """Create a workspace with credits in USD, a project, and a key of this role."""
    workspace = accounts.create_workspace(tx, "Another workspace", rate_limit=rate_limit)
    ledger.open_account(tx, workspace.workspace_id)
    ledger.grant(tx, workspace.workspace_id, money.to_micros(credits))
    project = accounts.create_project(tx, workspace.workspace_id, "Another project")
    key = accounts.create_key(tx, workspace.workspace_id, role=role)
    return Account(workspace.workspace_id, project.project_id, key.api_key)


def terrarium(command: str) -> list[str]:
    """The command line of one of the server's commands."""
    module = f"terrarium_server.commands.{command}"
    return [sys.executable, "-c", f"from {module} import app; app(prog_name='terrarium {command}')"]


@contextmanager
def running_server(
    folder: Path,
    *,
    database_url: str | None = None,
    workers: bool = True,
    variables: Mapping[str, str] | None = None,
    own_session: bool = False,
    **settings: object,
) -> Iterator[Server]:
    """Start a server with its data in ``folder``; ``settings`` by their names, e.g. ``rate_limit=3``.

    ``variables`` are added to its environment. With ``own_session`` it leads a process group.
    """
    chosen: dict[str, Any] = {
        "log_level": "WARNING",
        "cards_dir": CARDS,
        "config": CONFIG,
        **settings,
        "data_dir": folder,
    }
    if database_url is not None:
        chosen["database_url"] = database_url
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TERRARIUM_")}
    environment |= {f"TERRARIUM_{name.upper()}": str(value) for name, value in chosen.items()}
    environment |= variables or {}
    folder.mkdir(parents=True, exist_ok=True)
    log_path = folder / "server.log"
    with (
        log_path.open("a") as log,
        subprocess.Popen(
            [*terrarium("serve"), "--port", "0", "--workers" if workers else "--no-workers"],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment,
            start_new_session=own_session,
        ) as process,
    ):
        try:
            server = _greeted(process, log_path, environment, chosen)
            yield server
            alive = server.stop_requested.is_set() or process.poll() is None
            assert alive, f"the server ended by itself:\n{log_path.read_text()}"
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _greeted(
    process: subprocess.Popen[str], log_path: Path, environment: dict[str, str], settings: dict[str, Any]
) -> Server:
    assert process.stdout is not None
    greeting = ""
    for line in process.stdout:
        greeting += line
        if line.startswith("Stop with"):
            break
    address = re.search(r"is at (http://(?:127\.0\.0\.1|localhost):\d+)", greeting)
    if address is None:
        raise RuntimeError(f"the server did not start:\n{greeting}{log_path.read_text()}")
    printed_key = re.search(r"FLORA_API_KEY=(\S+)", greeting)
    api_key = printed_key[1] if printed_key else settings["bootstrap_key"]
    headers = {"authorization": f"Bearer {api_key}"}
    with httpx.Client(base_url=f"{address[1]}/api/v1", headers=headers, timeout=DEADLINE) as client:
        workspace_id = client.get("/workspaces").json()["workspaces"][0]["workspace_id"]
        projects = client.get("/projects", params={"workspace_id": workspace_id}).json()["projects"]
    first = Account(workspace_id, projects[-1]["project_id"], api_key)
    return Server(address[1], first, greeting, settings, environment, process)


class Getter(Protocol):
    """Sends a GET below /api/v1."""

    def get(self, url: str, /) -> httpx.Response: ...


def finished(client: Getter, run_id: str) -> dict[str, Any]:
    """Poll a run until it is over."""
    deadline = time.monotonic() + DEADLINE
    while True:
        run = client.get(f"/runs/{run_id}").raise_for_status().json()
        if run["status"] in ("completed", "failed"):
            return run
        assert time.monotonic() < deadline, f"still {run['status']} after {DEADLINE} s: {run}"
        time.sleep(0.05)


class StartServer(Protocol):
    """Starts a server with the given settings, see `running_server`."""

    def __call__(self, *, database_url: str | None = None, **options: Any) -> Server: ...


@pytest.fixture(scope="module")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """Starts servers with other settings; they stop at the end of the module."""
    with ExitStack() as stack:

        def start(*, database_url: str | None = None, **options: Any) -> Server:
            folder = tmp_path_factory.mktemp("data")
            return stack.enter_context(running_server(folder, database_url=database_url, **options))

        yield start


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server with default settings for all tests that need no other; each creates its own account."""
    with running_server(tmp_path_factory.mktemp("server")) as running:
        yield running
