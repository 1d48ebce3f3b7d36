"""How much work the statements of a block do: the rows that PostgreSQL reads, the steps that SQLite takes.

Each statement is explained in the transaction that sends it. PostgreSQL executes it for that, and undoes it
before it is executed in earnest; SQLite counts its own steps.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from terrarium_server.store import metadata

# SQLite counts steps of its virtual machine in units of so many.
_STEPS = 100


@dataclass
class Work:
    """A statement, the tables that it reads from one end to the other, and how much it reads.

    ``amount`` is in rows on PostgreSQL, and in steps of the virtual machine on SQLite.
    """

    statement: str
    scanned: set[str] = field(default_factory=set[str])
    amount: float = 0


@contextmanager
def recorded_work(url: sa.URL) -> Iterator[list[Work]]:
    """Record the work of every statement that is sent to the database of this URL."""
    done: list[Work] = []

    def note(connection: sa.Connection, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if connection.engine.url != url:
            return
        work = Work(statement)
        values = parameters[0] if isinstance(parameters, list) else parameters
        if connection.dialect.name == "sqlite":
            _watch_sqlite(cursor.connection, work, values)
        else:
            _explain_postgres(cursor.connection, work, values)
        done.append(work)

    event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield done
    finally:
        event.remove(sa.Engine, "before_cursor_execute", note)


def _watch_sqlite(connection: Any, work: Work, values: Any) -> None:
    def count() -> None:
        work.amount += _STEPS

    connection.set_progress_handler(None, 0)
    for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {work.statement}", values).fetchall():
        match step.split():
            case ["SCAN", name, *_] if name in metadata.tables:
                work.scanned.add(name)
            case _:
                pass
    # Until the next statement of this connection, because rows are read after the statement has begun.
    connection.set_progress_handler(count, _STEPS)


def _explain_postgres(connection: Any, work: Work, values: Any) -> None:
    explain = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {work.statement}"
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT before_explaining")
        [plan] = cursor.execute(explain, values).fetchone()
        cursor.execute("ROLLBACK TO SAVEPOINT before_explaining")
    _add_node(plan[0]["Plan"], work)


def _add_node(node: dict[str, Any], work: Work) -> None:
    table = node.get("Relation Name")
    is_write = node["Node Type"] == "ModifyTable"
    if table is not None and not is_write:
        removed = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
        rows = node["Actual Rows"] + sum(node.get(name, 0) for name in removed)
        work.amount += rows * node["Actual Loops"]
        if node["Node Type"] == "Seq Scan" and node["Actual Loops"]:
            work.scanned.add(table)
    for part in node.get("Plans", ()):
        _add_node(part, work)
