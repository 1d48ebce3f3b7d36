"""The end of one stream: read once and encoded once for all who listen to it."""

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice

from terrarium_server.runs import ShownProgress

from ._reads import ENDS, Event

# A listener that is further behind reads from the database.
_KEPT_EVENTS = 256

EncodedEvent = tuple[Event, bytes]
EncodedProgress = tuple[ShownProgress, bytes]


class Tail:
    """The latest events of a stream, and the progress of its running runs, with the text for listeners.

    What it keeps is bounded, however slow a listener is: so many events, and one progress for each run.
    """

    def __init__(self, position: int) -> None:
        """Begin after the event of this number."""
        self.position = position
        self._events: deque[EncodedEvent] = deque(maxlen=_KEPT_EVENTS)
        # In the order in which they were shown, with the number of each.
        self._progress: dict[str, tuple[int, EncodedProgress]] = {}
        self._shown = 0

    @property
    def start(self) -> int:
        """It has all events after this number."""
        return self.position - len(self._events)

    def add(self, events: Sequence[EncodedEvent]) -> None:
        """Add the next events of the stream, which follow each other."""
        for event, text in events:
            self._events.append((event, text))
            self.position = event.number
            if event.type in ENDS:
                self._progress.pop(event.run_id, None)

    def show(self, changed: Sequence[EncodedProgress], run_ids: frozenset[str]) -> None:
        """Replace the progress that has changed, and drop that of all runs but ``run_ids``."""
        for progress, text in changed:
            self._progress.pop(progress.run_id, None)
            self._shown += 1
            self._progress[progress.run_id] = (self._shown, (progress, text))
        for run_id in self._progress.keys() - run_ids:
            del self._progress[run_id]

    def events_after(self, number: int) -> Iterator[EncodedEvent]:
        """Return the events after this number, which must not be before `start`."""
        return islice(self._events, max(0, number - self.start), None)

    def progress_after(self, shown: int) -> Iterator[tuple[int, EncodedProgress]]:
        """Return what was shown after this number, oldest first, each with its number."""
        return (entry for entry in self._progress.values() if entry[0] > shown)

    def versions(self) -> dict[str, int]:
        """Return the version of the progress that each run shows."""
        return {run_id: entry[1][0].version for run_id, entry in self._progress.items()}
