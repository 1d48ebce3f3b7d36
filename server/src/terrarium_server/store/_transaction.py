"""One open transaction."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData()


class Transaction:
    """An open transaction and the moment it began (`now_ms`, UTC milliseconds, by this process's clock).

    What happens once it has committed: ``after`` holds the functions to call, ``published`` the topics and
    details to tell. Add to them with `after_commit` and `publish`.
    """

    __slots__ = ("_clock", "_connection", "after", "now_ms", "published")

    def __init__(
        self, connection: sa.Connection, now_ms: int, clock: Callable[[], sa.ColumnElement[int]]
    ) -> None:
        self._connection = connection
        self._clock = clock
        self.now_ms = now_ms
        self.after: list[Callable[[], None]] = []
        self.published: set[tuple[str, str]] = set()

    def execute(
        self,
        statement: sa.Executable,
        parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    ) -> sa.CursorResult[Any]:
        """Run one statement; with a sequence of parameters, once for each."""
        return self._connection.execute(statement, parameters)  # type: ignore[return-value]

    def after_commit(self, action: Callable[[], None]) -> None:
        """Call ``action`` once this transaction has committed, and never if it does not."""
        self.after.append(action)

    def publish(self, topic: str, detail: str) -> None:
        """Tell the subscribers of ``topic`` in all processes, once this has committed, never if it does not.

        See `Notifications.subscribe`.
        """
        self.published.add((topic, detail))

    def lock(self, name: str) -> None:
        """Take the lock of this name, until the transaction ends. SQLite, with its one writer, needs none."""
        if self.dialect == "postgresql":
            key = sa.func.hashtextextended(name, 0)
            self.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))

    @property
    def clock(self) -> sa.ColumnElement[int]:
        """The database's own clock at the moment the statement runs, in UTC milliseconds.

        Machines whose clocks differ agree on it.
        """
        return self._clock()

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._connection.dialect.name
