"""Texts, pictures and speech: each is one call, which lasts until the provider is done."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field

from terrarium_server.engines import (
    Failed,
    Finished,
    Job,
    Lost,
    Mark,
    News,
    Output,
    Progress,
    Ticket,
    Unknown,
    discard,
)
from terrarium_server.engines.provider import Provider, ProviderError

from .card import Endpoint, OpenAICard
from .chat import chat, check_media
from .images import images
from .reporting import Report
from .speech import speech

_log = logging.getLogger("terrarium_server.engines")

_MARK_PREFIX = "call/"
_Make = Callable[[Provider, OpenAICard, Job, Report], Awaitable[tuple[Output, ...]]]
_MAKERS: dict[Endpoint, _Make] = {"chat": chat, "images": images, "speech": speech}


@dataclass(slots=True)
class _Call:
    task: asyncio.Task[None] = field(init=False)
    news: News = field(default_factory=lambda: Progress(0.0))
    # Set, and replaced by another, whenever there is news.
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def publish(self, news: News) -> None:
        self.news = news
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()


class Calls:
    """The calls of this process, each a task; no other process can follow them. A ticket is the mark."""

    def __init__(self, provider: Provider) -> None:
        """Call ``provider``."""
        self._provider = provider
        self._calls: dict[str, _Call] = {}

    async def prepare(self, job: Job) -> Mark:
        """Check the card, the parameters and the media. Raises Refused."""
        card = OpenAICard.of_job(job)
        card.body(job)
        if card.endpoint == "chat":
            check_media(job)
        return Mark(_MARK_PREFIX + job.key)

    async def submit(self, job: Job, mark: Mark) -> Ticket:
        """Start a call, unless it is running already: it may cost money. Raises Refused."""
        card = OpenAICard.of_job(job)
        if mark not in self._calls:
            call = self._calls[mark] = _Call()
            call.task = asyncio.create_task(self._run(call, card, job), name=mark)
        return Ticket(mark)

    async def find(self, mark: Mark) -> Ticket | Unknown:
        """Return a call of this process; of any other it is unknown whether it arrived and was charged."""
        return Ticket(mark) if mark in self._calls else Unknown()

    async def follow(self, ticket: Ticket) -> AsyncGenerator[News]:
        """Yield a call's progress and its end; a call whose end was yielded is forgotten."""
        call = self._calls.get(ticket)
        while call is not None and self._calls.get(ticket) is call:
            news, changed = call.news, call.changed
            if not isinstance(news, Progress):
                del self._calls[ticket]
                yield news
                return
            yield news
            await changed.wait()
        yield Lost()

    async def cancel(self, ticket: Ticket) -> None:
        """Close a call's connection, and delete its outputs if it has ended."""
        call = self._calls.pop(ticket, None)
        if call is None:
            return
        if isinstance(call.news, Finished):
            discard(call.news.outputs)
        call.changed.set()
        call.task.cancel()
        await asyncio.wait([call.task])

    async def close(self) -> None:
        """Cancel all calls."""
        await asyncio.gather(*(self.cancel(Ticket(ticket)) for ticket in list(self._calls)))

    async def _run(self, call: _Call, card: OpenAICard, job: Job) -> None:
        fraction = 0.0

        def report(progress: float, preview: Output | None) -> None:
            nonlocal fraction
            fraction = max(fraction, progress)
            call.publish(Progress(fraction, preview))

        try:
            call.publish(Finished(await _MAKERS[card.endpoint](self._provider, card, job, report)))
        except ProviderError as error:
            call.publish(error.failure)
        except Exception:
            # Without an end, a follower of this call would wait for ever.
            _log.exception("a call to a provider failed unexpectedly")
            call.publish(Failed("SERVER_ERROR", "The engine failed; try once more."))
