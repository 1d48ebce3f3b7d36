"""Errors of the database, for the transactions of a worker, by order of the test."""

import functools
import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import event

from terrarium_server.runs import Run
from terrarium_server.store import Database

STRUCK = "the database failed: "

Kind = Literal["lost answer", "refused commit", "failed write"]


@dataclass(frozen=True)
class Order:
    """Errors for the commits or writes with the numbers ``first`` to ``last``, counted from the next claim.

    ``lost answer``: the commit arrives, but the worker hears an error. ``refused commit``: it does not
    arrive. ``failed write``: a statement that writes fails. Only commits that changed something are
    counted, and only the first claim that finds a run.
    """

    number: int
    kind: Kind
    first: int
    last: int


class DatabaseErrors:
    """Watches the worker's part of a database. The order in the file holds until there is the next one."""

    def __init__(self, orders: Path) -> None:
        self._orders = orders
        self._order: Order | None = None
        self._count = 0
        self._has_claimed = False
        self._lock = threading.Lock()
        self._thread = threading.local()

    def around_claim(self, claim: Callable[..., list[Run]]) -> Callable[..., list[Run]]:
        """Take an order with the first claim after it was given."""

        @functools.wraps(claim)
        def wrapped(*args: Any) -> list[Run]:
            if self._orders.exists():
                order = Order(**json.loads(self._orders.read_text()))
                self._orders.unlink()
                with self._lock:
                    self._order, self._count, self._has_claimed = order, 0, False
            self._thread.only_looks = self._has_claimed
            try:
                claimed = claim(*args)
            finally:
                self._thread.only_looks = False
            self._has_claimed = self._has_claimed or bool(claimed)
            return claimed

        return wrapped

    def watch(self, database: Database) -> None:
        """Let the worker's transactions on this database fail as ordered."""
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
            if is_workers() and changed and (kind := self._strikes("lost answer", "refused commit")):
                if kind == "lost answer":
                    commit(connection)
                if not database.is_sqlite:
                    connection.driver_connection.close()
                raise _error(dialect)
            commit(connection)

        def around(original: Callable[..., None]) -> Callable[..., None]:
            def executing(cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
                writes = statement.startswith(("INSERT", "UPDATE", "DELETE", "WITH"))
                counts = writes and is_workers() and not getattr(self._thread, "only_looks", False)
                if counts and self._strikes("failed write", what=_summary(statement)):
                    raise _error(dialect)
                original(cursor, statement, parameters, context)
                if writes and not database.is_sqlite and cursor.rowcount > 0:
                    info = context.root_connection.info
                    info["changes_here"] = info.get("changes_here", 0) + cursor.rowcount

            return executing

        setattr(dialect, "do_commit", do_commit)  # noqa: B010
        setattr(dialect, "do_execute", around(execute))  # noqa: B010
        setattr(dialect, "do_executemany", around(execute_many))  # noqa: B010

    def _strikes(self, *kinds: Kind, what: str = "a commit") -> Kind | None:
        with self._lock:
            order = self._order
            if order is None or order.kind not in kinds:
                return None
            self._count += 1
            if not order.first <= self._count <= order.last:
                return None
            os.write(1, f"{STRUCK}{order.number} {order.kind} {self._count}: {what}\n".encode())
            return order.kind


def _changes(connection: Any) -> int:
    """How many rows were changed on a connection so far."""
    total = getattr(connection.driver_connection, "total_changes", None)
    return total if total is not None else connection.info.get("changes_here", 0)


def _error(dialect: sa.Dialect) -> Exception:
    return dialect.loaded_dbapi.OperationalError("by order of the test")


def _summary(statement: str) -> str:
    return " ".join(statement.split()[:3])
