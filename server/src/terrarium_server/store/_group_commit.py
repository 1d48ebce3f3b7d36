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

_MOST = 64
_PAUSE_SECONDS = 0.05


@dataclass(slots=True)
class _Piece:
    """One caller's transaction, and where its outcome goes."""

    work: Callable[[Transaction], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None

    def deliver(self) -> None:
        # The caller may have gone away in the meantime.
        if self.future.cancelled():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class GroupCommitter:
    """SQLite's one writer: callers who wait at the same time share one commit, and its flush to disk.

    Each caller's work stands in a savepoint of its own, so that one refusal undoes only itself. Not for
    PostgreSQL, where two processes that share commits would wait for each other's rows crosswise.
    """

    def __init__(self, engine: sa.Engine, begun: Callable[[sa.Connection], Transaction]) -> None:
        self._engine = engine
        self._begun = begun
        self._waiting: queue.SimpleQueue[_Piece | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._commit_forever, name="terrarium-write", daemon=True)
        self._thread.start()

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` in a transaction; what it raises is raised here."""
        loop = asyncio.get_running_loop()
        piece = _Piece(work, loop, loop.create_future())
        self._waiting.put(piece)
        return await piece.future

    def close(self) -> None:
        """Commit what is waiting, and end."""
        self._waiting.put(None)
        self._thread.join()

    def _commit_forever(self) -> None:
        while True:
            pieces: list[_Piece] = []
            try:
                self._wait_for(pieces)
                if not pieces:
                    return
                self._commit(pieces)
            except Exception as error:
                # As when there is no memory for a moment. Without this thread nothing would be written again.
                for piece in pieces:
                    piece.error = piece.error or error
            _hand_out(pieces)

    def _wait_for(self, pieces: list[_Piece]) -> None:
        """Wait for those who want to write, and add them; none at the end."""
        while len(pieces) < _MOST and not (pieces and self._waiting.empty()):
            piece = self._waiting.get()
            if piece is None:
                # At the end, or the end comes when these are done.
                self._waiting.put(None)
                break
            pieces.append(piece)

    def _commit(self, pieces: list[_Piece]) -> None:
        done: list[Transaction] = []
        try:
            with self._engine.begin() as connection:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                for piece in pieces:
                    tx = self._begun(connection)
                    connection.exec_driver_sql("SAVEPOINT piece")
                    try:
                        piece.result = piece.work(tx)
                        done.append(tx)
                    except Exception as error:
                        piece.error = error
                        connection.exec_driver_sql("ROLLBACK TO piece")
                    connection.exec_driver_sql("RELEASE piece")
        except Exception as error:
            # Nothing of this group was committed, whoever thought so.
            for piece in pieces:
                piece.error = piece.error or error
            return
        for tx in done:
            for action in tx.after:
                try:
                    action()
                except Exception:
                    # What it belonged to is committed, and its caller is told so.
                    with suppress(Exception):
                        _log.exception("an action after a commit failed")


def _hand_out(pieces: list[_Piece]) -> None:
    """Tell every caller what became of it, on its loop."""
    while pieces:
        loop = pieces[0].loop
        try:
            theirs = [piece for piece in pieces if piece.loop is loop]
            others = [piece for piece in pieces if piece.loop is not loop]
            # It may be closed at any moment; then nobody waits any more.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(_deliver_all, theirs)
            pieces = others
        except MemoryError:
            time.sleep(_PAUSE_SECONDS)


def _deliver_all(pieces: list[_Piece]) -> None:
    for piece in pieces:
        piece.deliver()
