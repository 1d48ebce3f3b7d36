"""The requests of this process that wait for a run to change (the long poll)."""

import asyncio
import threading


class Waiters:
    """Wakes those who wait for a run. Every method may be called from any thread."""

    def __init__(self) -> None:
        # Reentrant, because a stop signal may interrupt this thread while it holds the lock.
        self._lock = threading.RLock()
        self._waiting: dict[str, list[tuple[asyncio.AbstractEventLoop, asyncio.Event]]] = {}
        self._closed = False

    @property
    def is_closed(self) -> bool:
        """Whether this process is stopping, so that requests should stop waiting."""
        return self._closed

    def wake(self, run_ids: frozenset[str] | None) -> None:
        """Wake those who wait for these runs; None wakes all."""
        with self._lock:
            names = [*self._waiting] if run_ids is None else self._waiting.keys() & run_ids
            entries = [entry for run_id in names for entry in self._waiting.pop(run_id, ())]
        for loop, event in entries:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)

    def close(self) -> None:
        """Wake all, because the process is stopping; nobody waits from now on."""
        self._closed = True
        self.wake(None)

    def expect(self, run_id: str) -> asyncio.Event:
        """Return an event that the run's next change sets. Call this before reading the run."""
        event = asyncio.Event()
        with self._lock:
            self._waiting.setdefault(run_id, []).append((asyncio.get_running_loop(), event))
        if self._closed:
            event.set()
        return event

    def forget(self, run_id: str, event: asyncio.Event) -> None:
        """Stop waiting."""
        with self._lock:
            left = [entry for entry in self._waiting.get(run_id, ()) if entry[1] is not event]
            if left:
                self._waiting[run_id] = left
            else:
                self._waiting.pop(run_id, None)
