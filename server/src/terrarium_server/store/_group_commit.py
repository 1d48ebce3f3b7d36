"""Writes on SQLite, which share commits."""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa

from ._transaction import Transaction

T = TypeVar("T")

_log = logging.getLogger(__name__)

_MOST_AT_ONCE = 64
_PAUSE_SECONDS = 0.05


@dataclass(slots=True)
class _Write:
    """One caller's transaction, and the future for its outcome."""

    work: Callable[[Transaction], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None

    def deliver(self) -> None:
        # The caller may have been cancelled in the meantime.
        if self.future.cancelled():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class GroupCommitter:
    """SQLite's one writer: callers that wait at the same time share one commit and its flush to disk.

    Each caller's work runs in its own savepoint, so that one that fails undoes only itself. This is not for
    PostgreSQL, where two processes that group commits could deadlock on each other's rows.
    """

    def __init__(
        self,
        engine: sa.Engine,
        begun: Callable[[sa.Connection], Transaction],
        publish: Callable[[set[tuple[str, str]]], None],
    ) -> None:
        self._engine = engine
        self._begun = begun
        self._publish = publish
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._commit_forever, name="terrarium-write", daemon=True)
        self._thread.start()

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` in a transaction. Raises what it raises."""
        loop = asyncio.get_running_loop()
        write = _Write(work, loop, loop.create_future())
        self._queue.put(write)
        return await write.future

    def close(self) -> None:
        """Commit what is waiting, and end."""
        self._queue.put(None)
        self._thread.join()

    def _commit_forever(self) -> None:
        while True:
            writes: list[_Write] = []
            try:
                self._collect(writes)
                if not writes:
                    return
                self._commit(writes)
            except Exception as error:
                # For example a short lack of memory. If this thread ended, nothing could be written any more.
                for write in writes:
                    write.error = write.error or error
            _deliver(writes)

    def _collect(self, writes: list[_Write]) -> None:
        """Wait for writes and add them to the list; none are added after `close`."""
        while len(writes) < _MOST_AT_ONCE and not (writes and self._queue.empty()):
            write = self._queue.get()
            if write is None:
                # Put back, because the thread ends only in the round that collects nothing.
                self._queue.put(None)
                break
            writes.append(write)

    def _commit(self, writes: list[_Write]) -> None:
        done: list[Transaction] = []
        try:
            with self._engine.begin() as connection:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                for write in writes:
                    tx = self._begun(connection)
                    connection.exec_driver_sql("SAVEPOINT work")
                    try:
                        write.result = write.work(tx)
                        done.append(tx)
                    except Exception as error:
                        write.error = error
                        connection.exec_driver_sql("ROLLBACK TO work")
                    connection.exec_driver_sql("RELEASE work")
        except Exception as error:
            # Nothing of this group was committed, also of the works that had succeeded.
            for write in writes:
                write.error = write.error or error
            return
        for tx in done:
            for action in tx.after:
                try:
                    action()
                except Exception:
                    # Its transaction is committed, so its caller gets the result all the same.
                    with suppress(Exception):
                        _log.exception("an action after a commit failed")
        self._publish({pair for tx in done for pair in tx.published})


def _deliver(writes: list[_Write]) -> None:
    """Give every caller its outcome, on the caller's event loop."""
    while writes:
        loop = writes[0].loop
        try:
            of_loop = [write for write in writes if write.loop is loop]
            others = [write for write in writes if write.loop is not loop]
            # The loop may be closed at any moment; then nobody waits any more.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(_deliver_all, of_loop)
            writes = others
        except MemoryError:
            time.sleep(_PAUSE_SECONDS)


def _deliver_all(writes: list[_Write]) -> None:
    for write in writes:
        write.deliver()
