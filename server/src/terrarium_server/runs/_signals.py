import asyncio
import threading


class Signals:
    """Wakes whoever waits for a run of this process to change (the long poll).

    A change made by another process is not heard here: waiters look again from time to time.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, list[tuple[asyncio.AbstractEventLoop, asyncio.Event]]] = {}

    def changed(self, run_id: str) -> None:
        """Wake all who wait for this run; may be called from any thread."""
        with self._lock:
            waiting = self._waiting.pop(run_id, ())
        for loop, event in waiting:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)

    def expect(self, run_id: str) -> asyncio.Event:
        """Return an event that the run's next change sets. Ask for it before reading the run."""
        event = asyncio.Event()
        with self._lock:
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
