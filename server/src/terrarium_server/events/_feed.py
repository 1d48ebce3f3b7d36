"""The feed: what this process hears of changes, for the requests that wait for them."""

import asyncio
import logging
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from terrarium_server import runs
from terrarium_server.runs import ShownProgress
from terrarium_server.store import UNAVAILABLE, Database, Transaction

from ._listener import Listener
from ._reads import Event, Selection, last_numbers, read
from ._tail import EncodedEvent, EncodedProgress, Tail
from ._waiters import Waiters

_log = logging.getLogger(__name__)

_PAGE = 200
# Between two reads, so that a burst of commits is read at once.
_PAUSE_SECONDS = 0.02
_PROGRESS_SECONDS = 1.0
_RETRY_SECONDS = 0.5
_MOST_READS = 2


@dataclass(frozen=True, slots=True)
class Encoding:
    """How events and progress are written for listeners."""

    event: Callable[[Event], bytes]
    progress: Callable[[ShownProgress], bytes]


@dataclass(slots=True)
class _Watched:
    """A stream that somebody listens to."""

    tail: Tail
    listeners: set[Listener]


@dataclass(frozen=True, slots=True)
class _News:
    """What one look at the database found, by stream."""

    events: Mapping[str, list[EncodedEvent]]
    progress: Mapping[str, list[EncodedProgress]] | None
    run_ids: frozenset[str] = frozenset()


class Feed:
    """Tells the requests of this process about changes of runs, whichever process made them.

    Long polls wait for the next change of one run (`expect`), at most until the process stops. Listeners get
    every event of a stream in order (`listen`); however many there are, one task reads for all of them.
    """

    def __init__(self, database: Database, encoding: Encoding) -> None:
        """Hear the notifications of this database."""
        self._database = database
        self.encoding = encoding
        self._waiters = Waiters()
        # Changed only on the loop of the listeners.
        self._watched: dict[str, _Watched] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()
        # What the next look reads: these streams, those that have grown, the progress of runs.
        self._grown: set[str] = set()
        self._may_have_missed = False
        self._progress_changed = False
        self._progress_read_at = 0.0
        # Many who come back at once must not delay other requests.
        self._reads = asyncio.Semaphore(_MOST_READS)
        notifications = database.notifications
        notifications.subscribe("run", self._waiters.wake)
        notifications.subscribe("progress", self._waiters.wake)
        notifications.subscribe("progress", self._on_progress)
        notifications.subscribe("stream", self._on_streams)

    @property
    def is_closed(self) -> bool:
        """Whether this process is stopping, so that requests should stop waiting."""
        return self._waiters.is_closed

    def close(self) -> None:
        """End all waiting and listening, because the process is stopping; may be called from any thread."""
        self._waiters.close()
        self._call(self._wake_listeners)

    def expect(self, run_id: str) -> asyncio.Event:
        """Return an event that the run's next change sets. Call this before reading the run."""
        return self._waiters.expect(run_id)

    def forget(self, run_id: str, event: asyncio.Event) -> None:
        """Stop waiting for a run."""
        self._waiters.forget(run_id, event)

    @contextmanager
    def listen(self, selection: Selection, after: int, last: int) -> Generator[Listener]:
        """Listen to the selected events after this number, until the end of the block.

        ``last`` is the number of the stream's last event at some moment before. All listeners of a process
        must be on one event loop.
        """
        stream = selection.stream
        watched = self._watched.setdefault(stream, _Watched(Tail(last), set()))
        listener = Listener(watched.tail, selection, after, self.read, lambda: self.is_closed)
        watched.listeners.add(listener)
        if self._task is None:
            self._loop = asyncio.get_running_loop()
            self._woken = asyncio.Event()
            self._task = self._loop.create_task(self._follow())
        # What was notified between the caller's read and now.
        self._note_streams([stream])
        self._note_progress()
        try:
            yield listener
        finally:
            watched.listeners.discard(listener)
            if not watched.listeners:
                del self._watched[stream]
            if not self._watched:
                self._task.cancel()
                self._task = self._loop = None

    def _on_streams(self, streams: frozenset[str] | None) -> None:
        if streams is None:
            self._call(self._note_streams, None)
        elif watched := [stream for stream in streams if stream in self._watched]:
            self._call(self._note_streams, watched)

    def _on_progress(self, _run_ids: frozenset[str] | None) -> None:
        self._call(self._note_progress)

    def _call(self, action: Callable[..., None], *arguments: object) -> None:
        """Call from any thread on the loop of the listeners, if there are any."""
        loop = self._loop
        if loop is not None:
            # The loop may be closed at any moment; then nobody listens any more.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(action, *arguments)

    def _note_streams(self, streams: list[str] | None) -> None:
        if streams is None:
            self._may_have_missed = True
        else:
            self._grown.update(streams)
        self._woken.set()

    def _note_progress(self) -> None:
        self._progress_changed = True
        self._woken.set()

    def _wake_listeners(self) -> None:
        for watched in self._watched.values():
            for listener in watched.listeners:
                listener.wake()

    async def _follow(self) -> None:
        """Read what is new for all listeners until cancelled."""
        while True:
            await self._news_noted()
            try:
                await self._look()
            except Exception as error:
                self._may_have_missed = self._progress_changed = True
                if isinstance(error, UNAVAILABLE):
                    _log.info("events were not read (%s)", str(error).partition("\n")[0])
                else:
                    _log.exception("reading events failed; trying again")
                await asyncio.sleep(_RETRY_SECONDS)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _news_noted(self) -> None:
        """Wait until there may be something to read."""
        seconds = max(0.0, self._until_progress()) if self._progress_changed else None
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        self._woken.clear()

    def _until_progress(self) -> float:
        """Return in how many seconds progress may be read again."""
        return self._progress_read_at + _PROGRESS_SECONDS - asyncio.get_running_loop().time()

    async def _look(self) -> None:
        positions = {stream: watched.tail.position for stream, watched in self._watched.items()}
        grown, self._grown = self._grown & positions.keys(), set[str]()
        look_everywhere, self._may_have_missed = self._may_have_missed, False
        versions: dict[str, int] | None = None
        if self._progress_changed and self._until_progress() <= 0:
            self._progress_changed = False
            self._progress_read_at = asyncio.get_running_loop().time()
            versions = {}
            for watched in self._watched.values():
                versions |= watched.tail.versions()
        if not (grown or look_everywhere or versions is not None):
            return
        news = await self._database.read(
            lambda tx: self._read(tx, positions, grown, versions, look_everywhere=look_everywhere)
        )
        for stream in positions.keys() & self._watched.keys():
            self._tell(stream, news)

    def _read(
        self,
        tx: Transaction,
        positions: Mapping[str, int],
        grown: set[str],
        versions: Mapping[str, int] | None,
        *,
        look_everywhere: bool,
    ) -> _News:
        progress: dict[str, list[EncodedProgress]] | None = None
        run_ids = frozenset[str]()
        # Before the events, so that no run's progress is told after its end.
        if versions is not None:
            progress = {}
            found = runs.watched_progress(tx, sorted(positions), versions)
            run_ids = found.run_ids
            for shown in found.changed:
                progress.setdefault(shown.stream, []).append((shown, self.encoding.progress(shown)))
        if look_everywhere:
            numbers = last_numbers(tx, positions)
            grown = grown | {stream for stream, number in numbers.items() if number > positions[stream]}
        events = {
            stream: [
                (event, self.encoding.event(event))
                for event in read(tx, Selection(stream), positions[stream], _PAGE)
            ]
            for stream in sorted(grown)
        }
        return _News(events, progress, run_ids)

    def _tell(self, stream: str, news: _News) -> None:
        """Add what is new to a stream's tail, and wake its listeners."""
        watched = self._watched[stream]
        events = news.events.get(stream, [])
        changed = news.progress.get(stream, []) if news.progress is not None else []
        if news.progress is not None:
            watched.tail.show(changed, news.run_ids)
        watched.tail.add(events)
        if len(events) == _PAGE:
            self._note_streams([stream])
        if any(event.run_id != event.root_run_id for event, _ in events):
            # The progress of a graph is that of its runs.
            self._note_progress()
        if events or changed:
            for listener in watched.listeners:
                listener.wake()

    async def read(self, selection: Selection, after: int, limit: int) -> list[EncodedEvent]:
        """Read for one request, as soon as the database answers; nothing if the process is stopping."""

        def work(tx: Transaction) -> list[EncodedEvent]:
            return [(event, self.encoding.event(event)) for event in read(tx, selection, after, limit)]

        while True:
            try:
                async with self._reads:
                    return await self._database.read(work)
            except UNAVAILABLE:
                if self.is_closed:
                    return []
                await asyncio.sleep(_RETRY_SECONDS)
