"""Deleting events when they are seven days old."""

import itertools

import sqlalchemy as sa

from terrarium_server.store import Database, Transaction

from ._tables import event_streams, events

_KEPT_MS = 7 * 24 * 60 * 60 * 1000
_MOST_STREAMS = 200
_MOST_EVENTS = 500
_OLDEST = (
    sa.select(events.c.created_at)
    .where(events.c.stream == event_streams.c.stream)
    .order_by(events.c.number)
    .limit(1)
    .correlate(event_streams)
    .scalar_subquery()
)
_STREAMS = (
    sa.select(event_streams.c.stream, _OLDEST)
    .where(event_streams.c.stream > sa.bindparam("after"))
    .order_by(event_streams.c.stream)
    .limit(_MOST_STREAMS)
)
_FIRST = (
    sa.select(events.c.number, events.c.created_at)
    .where(events.c.stream == sa.bindparam("stream"))
    .order_by(events.c.number)
    .limit(_MOST_EVENTS)
)
# With both bounds, because PostgreSQL takes one alone for a third of the table.
_DELETE = sa.delete(events).where(
    events.c.stream == sa.bindparam("of_stream"),
    events.c.number.between(sa.bindparam("first"), sa.bindparam("last")),
)


class Expiry:
    """Deletes expired events, always the first ones of a stream, so that those left follow each other.

    Without an index of their age, which every writer would pay for, it looks at the first event of each
    stream: some hundreds of streams each time, and all of them in turn.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._after = ""

    async def run(self) -> None:
        """Delete the expired events of the next streams."""
        after = self._after
        streams = await self._database.read(lambda tx: _next_streams(tx, after))
        self._after = streams[-1][0] if len(streams) == _MOST_STREAMS else ""
        for stream, is_due in streams:
            has_more = is_due
            while has_more:
                has_more = await self._database.write_for_worker(
                    lambda tx, stream=stream: _delete_expired(tx, stream)
                )


def _next_streams(tx: Transaction, after: str) -> list[tuple[str, bool]]:
    """Return the next streams, and whether their first events have expired."""
    rows = map(tuple, tx.execute(_STREAMS, {"after": after}))
    return [(stream, first is not None and _is_expired(tx, first)) for stream, first in rows]


def _delete_expired(tx: Transaction, stream: str) -> bool:
    """Delete the first events of a stream that have expired; return whether there may be more."""
    first = map(tuple, tx.execute(_FIRST, {"stream": stream}))
    expired = [number for number, _ in itertools.takewhile(lambda row: _is_expired(tx, row[1]), first)]
    if expired:
        tx.execute(_DELETE, {"of_stream": stream, "first": expired[0], "last": expired[-1]})
    return len(expired) == _MOST_EVENTS


def _is_expired(tx: Transaction, created_at: int) -> bool:
    return created_at < tx.now_ms - _KEPT_MS
