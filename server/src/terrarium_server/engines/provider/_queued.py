"""The frame of engines whose jobs run at a provider under an id: post, poll, fetch, cancel."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from terrarium_server.engines import (
    Failed,
    Finished,
    Followers,
    Job,
    Lost,
    Mark,
    News,
    Output,
    Progress,
    Ticket,
    Unknown,
)
from terrarium_server.engines.setup import CardOptions
from terrarium_server.media import MediaKind

from ._card import output_type
from ._failures import ProviderError
from ._polls import poll
from ._provider import Provider
from ._results import all_or_none
from ._tickets import ProviderTicket

_log = logging.getLogger("terrarium_server.engines")

_CANCEL_SECONDS = 30.0
_LONGEST_TEXT = 1_000_000


@dataclass(frozen=True, slots=True)
class Results:
    """A job has succeeded: the addresses of its media, or its texts. None for one that was left out.

    An address is a whole one, or a path below the provider's url.
    """

    addresses: Sequence[str | None]


Status = Progress | Results | Failed | Lost

CardT = TypeVar("CardT", bound=CardOptions)
TicketT = TypeVar("TicketT", bound=ProviderTicket)


class QueuedEngine(ABC, Generic[CardT, TicketT]):
    """An engine for jobs that run at a provider, where any process that has the key can poll them.

    A kind names the classes of its cards' options and of its tickets, and writes `request`, `post`, `status`
    and `stop`; also `mark` and `search` if the provider can be searched for a job whose id was lost.

    Not repeatable, because each post may be charged: a job is posted once and is searched for afterwards.
    """

    card: type[CardT]
    ticket: type[TicketT]
    repeatable = False

    def __init__(
        self,
        name: str,
        provider: Provider,
        *,
        key_required: bool = True,
        first_poll: float = 0.5,
        slowest_poll: float = 3.0,
    ) -> None:
        """Call ``provider``; a job is polled after ``first_poll`` seconds and then ever more slowly."""
        self.name = name
        self.provider = provider
        self.longest_silence = provider.longest_silence
        self._key_required = key_required
        self._first_poll = first_poll
        self._slowest_poll = max(first_poll, slowest_poll)

    # What a kind writes.

    @abstractmethod
    async def request(self, job: Job, card: CardT) -> dict[str, Any]:
        """Return what to post for a job, and upload its media. It must not start anything.

        Raises Refused and ProviderError.
        """

    @abstractmethod
    async def post(self, job: Job, card: CardT, request: dict[str, Any]) -> TicketT:
        """Start a job with one call. Raises Refused and ProviderError."""

    @abstractmethod
    async def status(self, ticket: TicketT) -> Status:
        """Poll a job once. Raises ProviderError."""

    @abstractmethod
    async def stop(self, ticket: TicketT) -> None:
        """Cancel a job at the provider. Raises ProviderError, which is only logged."""

    async def mark(self, job: Job, card: CardT) -> Mark:
        """Return what `search` needs. Raises Refused."""
        return Mark(job.key)

    async def search(self, mark: Mark) -> TicketT | Unknown | None:
        """Look for a job whose answer was lost; None if it certainly does not exist.

        Raises ProviderError, and ValueError for a mark that is not one of this kind; both mean `Unknown`.
        """
        return Unknown()

    # What a kind may extend.

    def news(self, ticket: TicketT) -> AsyncGenerator[News]:
        """Follow a job; by polling, if a kind has nothing better."""
        return poll(lambda: self.poll_once(ticket), first=self._first_poll, slowest=self._slowest_poll)

    async def poll_once(self, ticket: TicketT) -> News:
        """Poll a job once, and fetch its results if it has succeeded. Raises ProviderError."""
        status = await self.status(ticket)
        return await self.fetch(ticket, status) if isinstance(status, Results) else status

    async def fetch(self, ticket: TicketT, results: Results) -> Finished | Failed:
        """Download results, each into a file; texts are returned as they are. Raises ProviderError."""
        addresses = [address for address in results.addresses if address]
        if not addresses:
            return Failed("GENERATION_NO_RESULT", f"{self.provider.label} made nothing; try again later.")
        if ticket.type == "text":
            return Finished(tuple(Output("text/plain", text[:_LONGEST_TEXT]) for text in addresses))
        kind: MediaKind = ticket.type
        return Finished(await all_or_none(await self.provider.download(url, kind) for url in addresses))

    # The contract of `Engine`.

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """Say what is wrong with the card's options, or that the key is missing."""
        try:
            self.card.read(job_options)
        except ValueError as error:
            return str(error)
        return self.provider.key_problem(required=self._key_required)

    def followers(self, mark: Mark) -> Followers:
        """Everyone who can reach the provider."""
        return self.provider.followers

    async def prepare(self, job: Job) -> Mark:
        """Check a job and return its mark. Raises Refused."""
        return await self.mark(job, await self._card_of(job))

    async def submit(self, job: Job, mark: Mark) -> Ticket:
        """Post a job once; if its answer may have been lost, search for it. Raises Refused."""
        card = await self._card_of(job)
        try:
            request = await self.request(job, card)
        except ProviderError as error:
            raise error.refused() from error
        try:
            return Ticket((await self.post(job, card, request)).text)
        except ProviderError as error:
            # The job may exist and be charged: posting it again would be charged once more.
            ticket = await self.find(mark) if error.may_have_started else None
            if ticket is None or isinstance(ticket, Unknown):
                raise error.refused() from error
            return ticket

    async def find(self, mark: Mark) -> Ticket | Unknown | None:
        """Search for the job of a mark."""
        try:
            ticket = await self.search(mark)
        except (ProviderError, ValueError):
            return Unknown()
        return ticket if ticket is None or isinstance(ticket, Unknown) else Ticket(ticket.text)

    async def follow(self, ticket: Ticket) -> AsyncGenerator[News]:
        """Follow a job to its end; `Lost` for a ticket that is not one of this kind."""
        parsed = self._parsed(ticket)
        if parsed is None:
            yield Lost()
            return
        async with aclosing(self.news(parsed)) as following:
            async for news in following:
                yield news

    async def cancel(self, ticket: Ticket) -> None:
        """Cancel a job at the provider, in half a minute at most; an error is only logged."""
        if (parsed := self._parsed(ticket)) is None:
            return
        try:
            async with asyncio.timeout(_CANCEL_SECONDS):
                await self.stop(parsed)
        except (ProviderError, TimeoutError) as error:
            # Usual for a job that is over.
            _log.info("%s could not cancel a job: %s", self.name, error or "no answer in time")

    async def close(self) -> None:
        """Close the connections; jobs go on at the provider."""
        await self.provider.close()

    async def _card_of(self, job: Job) -> CardT:
        output_type(job)
        # In a thread: a card's class may read a file.
        return await asyncio.to_thread(self.card.of_job, job)

    def _parsed(self, ticket: Ticket) -> TicketT | None:
        try:
            return self.ticket.parse(ticket)
        except ValueError:
            # The text stays out of the log, because it may hold the address of somebody's media.
            _log.warning(
                "%s cannot read the stored ticket of a job, perhaps one of another version; the job is lost "
                "here, and the provider may still charge for it",
                self.name,
            )
            return None
