"""One listener of a stream, at its own position."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from ._reads import Selection
from ._tail import EncodedEvent, Tail

_PAGE = 100
# One piece of text is at most this large, and one event more.
_MOST_BYTES = 64 << 10

Older = Callable[[Selection, int, int], Awaitable[list[EncodedEvent]]]


class Listener:
    """Gets the selected events of a stream in order, each once, and the progress of the runs in between.

    It keeps only its position: a slow one reads from the database what the tail has dropped.
    """

    def __init__(
        self,
        tail: Tail,
        selection: Selection,
        after: int,
        older: Older,
        is_closed: Callable[[], bool],
    ) -> None:
        self._tail = tail
        self._selection = selection
        self._position = after
        self._shown = 0
        self._older = older
        self._is_closed = is_closed
        self._is_over = False
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """Look again: there is something new, or the process is stopping."""
        self._changed.set()

    async def next(self, seconds: float) -> bytes | None:
        """Return the next text, empty after so many seconds without any.

        Returns None after the last event of a run, if events have expired before they were read, and when the
        process is stopping.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        while not (self._is_over or self._is_closed()):
            self._changed.clear()
            is_behind = self._position < self._tail.start
            text = await self._from_database() if is_behind else self._from_tail()
            if text:
                return text
            if not is_behind:
                try:
                    async with asyncio.timeout_at(deadline):
                        await self._changed.wait()
                except TimeoutError:
                    return b""
        return None

    async def _from_database(self) -> bytes:
        reached = self._tail.position
        page = await self._older(self._selection, self._position, _PAGE)
        is_whole_stream = self._selection.root_run_id is None
        if is_whole_stream and (not page or page[0][0].number != self._position + 1):
            self._is_over = True
            return b""
        text = self._take(page)
        if len(page) < _PAGE and (not page or self._position == page[-1][0].number):
            # This read was later than the tail's, so no event up to there is missing.
            self._position = max(self._position, reached)
        return text

    def _from_tail(self) -> bytes:
        text = self._take(self._tail.events_after(self._position))
        return text or self._take_progress()

    def _take(self, events: Iterable[EncodedEvent]) -> bytes:
        """Return the text of the next events, and move on behind them."""
        parts: list[bytes] = []
        size = 0
        for event, text in events:
            self._position = event.number
            if self._selection.includes(event.root_run_id, event.run_id):
                parts.append(text)
                size += len(text)
                self._is_over = self._selection.ends_with(event)
            if self._is_over or size >= _MOST_BYTES:
                break
        return b"".join(parts)

    def _take_progress(self) -> bytes:
        parts: list[bytes] = []
        size = 0
        for shown, (progress, text) in self._tail.progress_after(self._shown):
            self._shown = shown
            if self._selection.includes(progress.root_run_id, progress.run_id):
                parts.append(text)
                size += len(text)
            if size >= _MOST_BYTES:
                break
        return b"".join(parts)
