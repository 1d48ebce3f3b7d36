"""What processes send each other: topics with details, in payloads that PostgreSQL accepts."""

import threading
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Literal

from pydantic import BaseModel

# NOTIFY accepts payloads of less than 8,000 bytes.
_MOST_BYTES = 7_999
# For one topic. More are gathered only while the database is away.
_MOST_DETAILS = 10_000

# Details by topic; None if there are too many or too long ones.
Topics = Mapping[str, frozenset[str] | None]


class Message(BaseModel, frozen=True):
    """One payload; ``sender`` is a random name of the process."""

    version: Literal[1] = 1
    sender: str
    topics: dict[str, frozenset[str] | None]


def payloads(sender: str, topics: Topics) -> Iterator[str]:
    """Encode topics in as many payloads as are needed."""
    payload = Message(sender=sender, topics=dict(topics)).model_dump_json()
    if len(payload.encode()) <= _MOST_BYTES:
        yield payload
        return
    for half in _halves(topics):
        yield from payloads(sender, half)


def _halves(topics: Topics) -> Iterator[Topics]:
    if len(topics) > 1:
        pairs = iter(topics.items())
        yield dict(islice(pairs, len(topics) // 2))
        yield dict(pairs)
        return
    [(topic, details)] = topics.items()
    if details is None or len(details) == 1:
        yield {topic: None}
    else:
        rest = iter(details)
        yield {topic: frozenset(islice(rest, len(details) // 2))}
        yield {topic: frozenset(rest)}


class Outbox:
    """Topics that have not been sent yet; any thread may add to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._topics: dict[str, set[str] | None] = {}

    def add(self, topics: Topics) -> bool:
        """Add topics; return whether it was empty before."""
        with self._lock:
            was_empty = not self._topics
            for topic, details in topics.items():
                known = self._topics.setdefault(topic, set())
                if known is not None and details is not None:
                    known |= details
                if known is None or details is None or len(known) > _MOST_DETAILS:
                    self._topics[topic] = None
            return was_empty

    def take(self) -> Topics:
        """Return what is in it, and empty it."""
        with self._lock:
            topics, self._topics = self._topics, {}
        return {topic: None if details is None else frozenset(details) for topic, details in topics.items()}
