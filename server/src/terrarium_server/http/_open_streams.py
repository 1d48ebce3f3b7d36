"""How many streams of events a process has open: they have no end, and each keeps a connection."""

from weakref import WeakSet

from terrarium_server.problems import RateLimited

from ._event_stream import EventStream

_RETRY_SECONDS = 30


class OpenStreams:
    """Counts the open streams of each workspace; for one event loop.

    One workspace may have a quarter of the process's connections, all of them together half.
    """

    def __init__(self, max_connections: int) -> None:
        self._most = max(1, max_connections // 4)
        self._most_together = max(1, max_connections // 2)
        # A response exists as long as it is being sent.
        self._streams: dict[str, WeakSet[EventStream]] = {}

    def check(self, workspace_id: str) -> None:
        """Raises RateLimited if the workspace may not have one more."""
        self._streams = {key: streams for key, streams in self._streams.items() if streams}
        of_workspace = len(self._streams.get(workspace_id, ()))
        together = sum(len(streams) for streams in self._streams.values())
        if of_workspace >= self._most or together >= self._most_together:
            raise RateLimited(_RETRY_SECONDS)

    def add(self, workspace_id: str, stream: EventStream) -> EventStream:
        """Count a stream until it has been sent."""
        self._streams.setdefault(workspace_id, WeakSet()).add(stream)
        return stream
