"""Notifications of changed runs within this process."""

import asyncio
import threading


class Signals:
    """Wakes the requests of this process that wait for a run to change (the long poll).

    Changes that another process makes send no signal here: waiters also poll from time to time.
    """

    def __init__(self) -> None:
        # Reentrant, because a stop signal may interrupt this thread while it holds the lock.
        self._lock = threading.RLock()
        self._waiting: dict[str, list[tuple[asyncio.AbstractEventLoop, asyncio.Event]]] = {}
        self._closed = False

    @property
    def is_closed(self) -> bool:
        """Whether this process is stopping, so that requests should stop waiting."""
        return self._closed

    def changed(self, run_id: str) -> None:
        """Wake all requests that wait for this run; may be called from any thread."""
        with self._lock:
            waiting = self._waiting.pop(run_id, [])
        _wake(waiting)

    def close(self) -> None:
        """Wake all waiting requests, because the process is stopping; may be called from any thread."""
        with self._lock:
            self._closed = True
            entries = [entry for waiting in self._waiting.values() for entry in waiting]
            self._waiting.clear()
        _wake(entries)

    def expect(self, run_id: str) -> asyncio.Event:
        """Return an event that the run's next change sets. Call this before reading the run."""
        event = asyncio.Event()
        with self._lock:
            if self._closed:
                event.set()
            else:
                self._waiting.setdefault(run_id, []).append((asyncio.get_running_loop(), event))
        return event

    def forget(self, run_id: str, event: asyncio.Event) -> None:
        """Stop waiting."""
        with self._lock:
            left = [entry for entry in self._waiting.get(run_id, ()) if entry[1] is not event]
            if left:
                self._waiting[run_id] = left
            else:
                self._waiting.pop(run_id, None)


def _wake(waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
    for loop, event in waiting:
        if not loop.is_closed():
            loop.call_soon_threadsafe(event.set)
