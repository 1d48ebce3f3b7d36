"""Reading events."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from terrarium_server.store import Transaction

from ._tables import event_streams, events

ENDS = {"run.completed", "run.failed", "run.skipped"}


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a stream; ``created_at`` in UTC milliseconds, the other fields as in `Change`."""

    stream: str
    number: int
    type: str
    run_id: str
    root_run_id: str
    actor: str
    data: dict[str, Any]
    created_at: int


@dataclass(frozen=True, slots=True)
class Selection:
    """All events of a stream, or those of one graph of runs, or those of one run in it."""

    stream: str
    root_run_id: str | None = None
    run_id: str | None = None

    def includes(self, root_run_id: str, run_id: str) -> bool:
        """Whether what the stream tells of this run is selected."""
        if self.run_id is not None:
            return run_id == self.run_id
        return self.root_run_id is None or root_run_id == self.root_run_id

    def ends_with(self, event: Event) -> bool:
        """Whether it is the last selected event: the end of the run, or of the graph's root."""
        return event.type in ENDS and event.run_id == (self.run_id or self.root_run_id)


@dataclass(frozen=True, slots=True)
class Kept:
    """The numbers of the first event of a stream that has not expired, and of the last one.

    ``first`` is ``last + 1`` if all have expired.
    """

    first: int
    last: int

    def follows(self, number: int) -> bool:
        """Whether all events after this number are kept, so that one may go on from there."""
        return self.first - 1 <= number <= self.last


_FIELDS = [events.c[name] for name in Event.__dataclass_fields__]
_AFTER = (
    sa.select(*_FIELDS)
    .where(events.c.number > sa.bindparam("after"))
    .order_by(events.c.number)
    .limit(sa.bindparam("count"))
)
_OF_STREAM = _AFTER.where(events.c.stream == sa.bindparam("stream"))
_OF_GRAPH = _AFTER.where(events.c.root_run_id == sa.bindparam("root"))
_OF_RUN = _OF_GRAPH.where(events.c.run_id == sa.bindparam("run"))
_NUMBERS = sa.select(event_streams.c.stream, event_streams.c.last_number)
_LAST = _NUMBERS.where(event_streams.c.stream.in_(sa.bindparam("streams", expanding=True)))
_KEPT = sa.select(
    sa.select(event_streams.c.last_number)
    .where(event_streams.c.stream == sa.bindparam("stream"))
    .scalar_subquery(),
    sa.select(sa.func.min(events.c.number))
    .where(events.c.stream == sa.bindparam("stream"))
    .scalar_subquery(),
)


def read(tx: Transaction, selection: Selection, after: int, limit: int) -> list[Event]:
    """Return the selected events with numbers above ``after``, in their order."""
    statement = _OF_STREAM
    if selection.root_run_id is not None:
        statement = _OF_GRAPH if selection.run_id is None else _OF_RUN
    values = {
        "stream": selection.stream,
        "root": selection.root_run_id,
        "run": selection.run_id,
        "after": after,
        "count": limit,
    }
    return [Event(*row) for row in tx.execute(statement, values)]


def last_numbers(tx: Transaction, streams: Iterable[str]) -> dict[str, int]:
    """Return the number of the last event of each stream that has any."""
    rows = tx.execute(_LAST, {"streams": [*streams]})
    return {stream: number for stream, number in map(tuple, rows)}


def kept(tx: Transaction, stream: str) -> Kept:
    """Return which events of a stream are kept."""
    last, first = tuple(tx.execute(_KEPT, {"stream": stream}).one())
    return Kept(first or (last or 0) + 1, last or 0)
