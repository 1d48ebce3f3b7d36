"""Injects database errors into the transactions of a worker, as the test instructs."""

import functools
import json
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import event

from terrarium_server.runs import Run
from terrarium_server.store import Database

INJECTED = "the database failed: "

ErrorKind = Literal["lost answer", "refused commit", "failed write", "killed"]


@dataclass(frozen=True)
class Injection:
    """Errors for the commits or writes with the numbers ``first`` to ``last``, counted from the next claim.

    ``lost answer``: the transaction commits, but the worker gets an error. ``refused commit``: it does not
    commit. ``failed write``: a statement that writes fails. ``killed``: the process is killed right after the
    commit. Only commits that changed something count, and of the claims only the first that returns a run.
    """

    number: int
    kind: ErrorKind
    first: int
    last: int


class DatabaseErrors:
    """Makes a worker's transactions fail. The injection from the file holds until the test writes another."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._injection: Injection | None = None
        self._count = 0
        self._has_claimed = False
        self._lock = threading.Lock()
        self._thread = threading.local()

    def around_claim(self, claim: Callable[..., list[Run]]) -> Callable[..., list[Run]]:
        """Wrap the claim: it reads the file, and starts to count."""

        @functools.wraps(claim)
        def wrapped(*args: Any) -> list[Run]:
            if self._file.exists():
                injection = Injection(**json.loads(self._file.read_text()))
                self._file.unlink()
                with self._lock:
                    self._injection, self._count, self._has_claimed = injection, 0, False
            self._thread.is_ignored = self._has_claimed
            try:
                claimed = claim(*args)
            finally:
                self._thread.is_ignored = False
            self._has_claimed = self._has_claimed or bool(claimed)
            return claimed

        return wrapped

    def watch(self, database: Database) -> None:
        """Make the worker's transactions on this database fail as instructed."""
        engine = database._work  # pyright: ignore[reportPrivateUsage]
        dialect = engine.dialect
        commit, execute, execute_many = dialect.do_commit, dialect.do_execute, dialect.do_executemany

        # On SQLite the API uses the same connections; nothing but this thread writes.
        def is_workers() -> bool:
            return not database.is_sqlite or threading.current_thread().name == "terrarium-write"

        @event.listens_for(engine, "begin")
        def begun(connection: sa.Connection) -> None:  # pyright: ignore[reportUnusedFunction]
            connection.info["changes"] = _changes(connection.connection)

        def do_commit(connection: Any) -> None:
            changed = _changes(connection) != connection.info.get("changes")
            kinds: tuple[ErrorKind, ...] = ("lost answer", "refused commit", "killed")
            if is_workers() and changed and (kind := self._should_fail(*kinds)):
                if kind != "refused commit":
                    commit(connection)
                if kind == "killed":
                    os.kill(os.getpid(), signal.SIGKILL)
                if not database.is_sqlite:
                    connection.driver_connection.close()
                raise _error(dialect)
            commit(connection)

        def around(original: Callable[..., None]) -> Callable[..., None]:
            def executing(cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
                writes = statement.startswith(("INSERT", "UPDATE", "DELETE", "WITH"))
                counts = writes and is_workers() and not getattr(self._thread, "is_ignored", False)
                if counts and self._should_fail("failed write", what=_summary(statement)):
                    raise _error(dialect)
                original(cursor, statement, parameters, context)
                if writes and not database.is_sqlite and cursor.rowcount > 0:
                    info = context.root_connection.info
                    info["changes_here"] = info.get("changes_here", 0) + cursor.rowcount

            return executing

        setattr(dialect, "do_commit", do_commit)  # noqa: B010
        setattr(dialect, "do_execute", around(execute))  # noqa: B010
        setattr(dialect, "do_executemany", around(execute_many))  # noqa: B010

    def _should_fail(self, *kinds: ErrorKind, what: str = "a commit") -> ErrorKind | None:
        with self._lock:
            injection = self._injection
            if injection is None or injection.kind not in kinds:
                return None
            self._count += 1
            if not injection.first <= self._count <= injection.last:
                return None
            line = f"{INJECTED}{injection.number} {injection.kind} {self._count}: {what}\n"
            os.write(1, line.encode())
            return injection.kind


def _changes(connection: Any) -> int:
    """Return how many rows were changed on a connection so far."""
    total = getattr(connection.driver_connection, "total_changes", None)
    return total if total is not None else connection.info.get("changes_here", 0)


def _error(dialect: sa.Dialect) -> Exception:
    return dialect.loaded_dbapi.OperationalError("injected by the test")


def _summary(statement: str) -> str:
    return " ".join(statement.split()[:3])
