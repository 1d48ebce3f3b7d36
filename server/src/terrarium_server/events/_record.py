"""Recording events: the last thing that a transaction does before its commit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from terrarium_server.store import Transaction

from ._tables import event_streams, events

_FIELDS = ("type", "run_id", "root_run_id", "actor", "data")


@dataclass(frozen=True, slots=True)
class Change:
    """What changed in a run. ``data`` is what a listener is told besides; it must be JSON.

    ``stream`` is the run's project, or its root if it has none. ``actor`` is ``key:key_…`` or ``system``.
    """

    stream: str
    type: str
    run_id: str
    root_run_id: str
    actor: str
    data: dict[str, Any]


def record(tx: Transaction, changes: Sequence[Change]) -> None:
    """Number the changes of each stream in the order given, and write and publish them.

    It locks the streams in the order of their names until the commit, so numbers are in the order of the
    commits and without gaps. Call it after all other writes: every writer of a stream waits for that lock.
    """
    streams: dict[str, list[Change]] = {}
    for change in changes:
        streams.setdefault(change.stream, []).append(change)
    write = _write_at_once if tx.dialect == "postgresql" else _write
    for stream in sorted(streams):
        write(tx, stream, streams[stream])
    publish(tx, changes)


def publish(tx: Transaction, changes: Sequence[Change]) -> None:
    """Let those who wait for the changed runs or listen to their streams know of it after the commit."""
    for change in changes:
        tx.publish("run", change.run_id)
        tx.publish("run", change.root_run_id)
        tx.publish("stream", change.stream)


def _next_numbers(insert: Any, after: sa.FromClause | None = None) -> Any:
    """Return the statement that takes the next ``count`` numbers of a stream; it returns the last of them.

    With ``after``, the stream is locked only once that expression was evaluated.
    """
    stream = sa.bindparam("stream", type_=sa.Text)
    count = sa.bindparam("count", type_=sa.BigInteger)
    if after is None:
        statement = insert(event_streams).values(stream=stream, last_number=count)
    else:
        rows = sa.select(sa.func.count()).select_from(after).scalar_subquery()
        statement = insert(event_streams).from_select(
            ["stream", "last_number"], sa.select(stream, count).where(rows >= 0)
        )
    return statement.on_conflict_do_update(
        index_elements=["stream"],
        set_={"last_number": event_streams.c.last_number + statement.excluded.last_number},
    ).returning(event_streams.c.last_number)


def record_at_once(after: sa.FromClause | None = None) -> sa.Insert:
    """Number and write the changes of one stream in one statement of PostgreSQL, however many they are.

    `record_values` binds it. With ``after``, the stream is locked only once that expression was evaluated.
    """
    numbers = _next_numbers(postgresql.insert, after).cte("numbers")
    columns = (sa.column("after", sa.BigInteger), *(sa.column(name, events.c[name].type) for name in _FIELDS))
    # One parameter of JSON, because the driver takes three times as long to write an array for each column.
    changes = sa.func.json_to_recordset(sa.bindparam("changes", type_=sa.JSON))
    new = changes.table_valued(*columns).render_derived("new", with_types=True)
    rows = sa.select(
        sa.bindparam("stream", type_=sa.Text),
        numbers.c.last_number - new.c.after,
        *(new.c[name] for name in _FIELDS),
        sa.bindparam("now", type_=sa.BigInteger),
    )
    return sa.insert(events).from_select(
        ["stream", "number", *_FIELDS, "created_at"], rows.select_from(numbers.join(new, sa.true()))
    )


_NUMBERS = _next_numbers(sqlite.insert)
_INSERT = sa.insert(events)
# One round trip, because the stream is locked during each; `docs/decisions/0028` has the figures.
_AT_ONCE = record_at_once()


def _write_at_once(tx: Transaction, stream: str, changes: list[Change]) -> None:
    tx.execute(_AT_ONCE, record_values(tx, stream, changes))


def record_values(tx: Transaction, stream: str, changes: Sequence[Change]) -> dict[str, Any]:
    """Return what `record_at_once` binds."""
    # `after` is how many of these changes come after this one.
    rows = [
        {"after": after, **_values(change)}
        for after, change in zip(reversed(range(len(changes))), changes, strict=True)
    ]
    return {"stream": stream, "count": len(changes), "changes": rows, "now": tx.now_ms}


def _write(tx: Transaction, stream: str, changes: list[Change]) -> None:
    last = tx.execute(_NUMBERS, {"stream": stream, "count": len(changes)}).scalar_one()
    rows = [
        {"stream": stream, "number": number, **_values(change), "created_at": tx.now_ms}
        for number, change in enumerate(changes, last - len(changes) + 1)
    ]
    tx.execute(_INSERT, rows)


def _values(change: Change) -> dict[str, Any]:
    return {name: getattr(change, name) for name in _FIELDS}
