"""Telling what committed transactions published: this process's subscribers, and those of other processes."""

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ._messages import Topics

if TYPE_CHECKING:
    from ._exchange import Exchange

_log = logging.getLogger(__name__)

Callback = Callable[[frozenset[str] | None], None]


@dataclass(frozen=True, slots=True)
class Intervals:
    """Times of the exchange with other processes, in seconds.

    ``gather``: between two sendings. ``answer``: the longest wait for the database or a probe. ``check``:
    between two probes, and between two looks, while probes arrive. ``look``: between two looks while they do
    not. ``retry``: the longest pause before the next connection.
    """

    gather: float = 0.02
    answer: float = 3.0
    check: float = 10.0
    look: float = 0.5
    retry: float = 5.0


class Notifications:
    """Subscriptions to topics.

    Without `start` only this process's own commits are told. That is enough on SQLite, which has one process.
    """

    def __init__(self, url: str | None = None, intervals: Intervals | None = None) -> None:
        """Exchange notifications through the PostgreSQL database ``url``; None for SQLite."""
        self._url = url
        self._intervals = intervals or Intervals()
        self._exchange: Exchange | None = None
        self._callbacks: dict[str, tuple[Callback, ...]] = {}
        self._lock = threading.Lock()

    def subscribe(self, topic: str, callback: Callback) -> None:
        """Call ``callback(details)`` after each commit that published details of ``topic``.

        It is called on any thread, on several at once too, and must return quickly. None for the details
        means that some may have been missed: look yourself.
        """
        with self._lock:
            self._callbacks[topic] = (*self._callbacks.get(topic, ()), callback)

    def start(self) -> None:
        """Tell the other processes and hear from them, on a thread of its own, until `close`.

        It does not wait for the database. Until notifications are known to arrive, subscribers get None at
        short intervals.
        """
        if self._url is not None:
            # psycopg is loaded only for PostgreSQL.
            from ._exchange import Exchange

            self._exchange = Exchange(self._url, self._intervals, self._tell)

    def close(self) -> None:
        """Send what was published and end the thread, within a second even if the database is away."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.close()

    def publish(self, published: Iterable[tuple[str, str]]) -> None:
        """Tell everybody these topics and details, which are committed. Never raises."""
        try:
            topics: defaultdict[str, set[str]] = defaultdict(set)
            for topic, detail in published:
                topics[topic].add(detail)
            if topics:
                frozen = {topic: frozenset(details) for topic, details in topics.items()}
                self._tell(frozen)
                if self._exchange is not None:
                    self._exchange.send(frozen)
        except Exception:
            _log.exception("a notification was lost")

    def _tell(self, topics: Topics | None) -> None:
        """Call the subscribers of these topics, or all of them with None."""
        if topics is None:
            topics = dict.fromkeys(self._callbacks)
        for topic, details in topics.items():
            for callback in self._callbacks.get(topic, ()):
                try:
                    callback(details)
                except Exception:
                    _log.exception("a subscriber of %r failed", topic)
