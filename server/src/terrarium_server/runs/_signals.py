import asyncio
import threading


class Signals:
    """Wakes whoever waits for a run of this process to change (the long poll).

    A change made by another process is not heard here: waiters look again from time to time.
    """

    def __init__(self) -> None:
        # A stop signal may come while this very thread holds it.
        self._lock = threading.RLock()
        self._waiting: dict[str, list[tuple[asyncio.AbstractEventLoop, asyncio.Event]]] = {}
        self._closed = False

    @property
    def is_closed(self) -> bool:
        """Whether this process is stopping, so that nobody should wait any longer."""
        return self._closed

    def changed(self, run_id: str) -> None:
        """Wake all who wait for this run; may be called from any thread."""
        with self._lock:
            waiting = self._waiting.pop(run_id, [])
        _wake(waiting)

    def close(self) -> None:
        """Wake everybody, for the process is stopping; may be called from any thread."""
        with self._lock:
            self._closed = True
            everybody = [entry for waiting in self._waiting.values() for entry in waiting]
            self._waiting.clear()
        _wake(everybody)

    def expect(self, run_id: str) -> asyncio.Event:
        """Return an event that the run's next change sets. Ask for it before reading the run."""
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
