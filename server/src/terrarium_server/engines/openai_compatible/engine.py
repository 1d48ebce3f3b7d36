"""Models of any server with the OpenAI API: texts, pictures, speech and videos."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from pydantic import Field

from terrarium_server.engines import Followers, Job, Mark, News, Ticket, Unknown
from terrarium_server.engines.provider import BaseUrl, Provider, ProviderOptions
from terrarium_server.engines.setup import Setup

from .calls import Calls
from .card import OpenAICard
from .videos import Videos


class OpenAICompatibleOptions(ProviderOptions):
    """Where the server is; most such servers need no key."""

    url: BaseUrl = Field(
        default="https://api.openai.com/v1",
        description="The root of the API, as in http://127.0.0.1:8080/v1.",
    )
    poll_seconds: float = Field(
        default=2.0, gt=0, le=60, description="How soon a video is polled again; later ever more slowly."
    )


OPTIONS = OpenAICompatibleOptions


class OpenAICompatibleEngine:
    """Two engines in one: a text, picture or speech is one call of this process, a video has an id."""

    repeatable = False

    def __init__(self, name: str, provider: Provider, *, key_required: bool, first_poll: float) -> None:
        """Call ``provider``; a video is polled after ``first_poll`` seconds and then ever more slowly."""
        self.name = name
        self.longest_silence = provider.longest_silence
        self._calls = Calls(provider)
        self._videos = Videos(name, provider, key_required=key_required, first_poll=first_poll)

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """Say what is wrong with the card's options, or that the key is missing."""
        return self._videos.problem(job_options)

    def followers(self, mark: Mark) -> Followers:
        """For a call this process alone; for a video everyone who can reach the provider."""
        return self._videos.followers(mark) if Videos.owns(mark) else "worker"

    async def prepare(self, job: Job) -> Mark:
        """Check the card, the parameters and the media. Raises Refused."""
        return await self._part_for(job).prepare(job)

    async def submit(self, job: Job, mark: Mark) -> Ticket:
        """Start a call without waiting for its answer, or a video and wait for its id. Raises Refused."""
        return await self._part_for(job).submit(job, mark)

    async def find(self, mark: Mark) -> Ticket | Unknown | None:
        """Return a call of this process; anything else is unknown."""
        return await self._part_of(mark).find(mark)

    def follow(self, ticket: Ticket) -> AsyncGenerator[News]:
        """Follow a job to its end; a call is lost after a restart."""
        return self._part_of(ticket).follow(ticket)

    async def cancel(self, ticket: Ticket) -> None:
        """Close the connection of a call, or delete a video."""
        await self._part_of(ticket).cancel(ticket)

    async def close(self) -> None:
        """Cancel all calls; videos go on at the provider."""
        await self._calls.close()
        await self._videos.close()

    def _part_for(self, job: Job) -> Calls | Videos:
        return self._videos if OpenAICard.of_job(job).endpoint == "videos" else self._calls

    def _part_of(self, mark_or_ticket: str) -> Calls | Videos:
        return self._videos if Videos.owns(mark_or_ticket) else self._calls


def build(setup: Setup) -> OpenAICompatibleEngine:
    """Make an engine for one server; nothing is opened yet."""
    options = setup.options
    assert isinstance(options, OpenAICompatibleOptions)
    key_required = options.url.startswith("https://api.openai.com/")
    return OpenAICompatibleEngine(
        setup.name, Provider.for_engine(setup), key_required=key_required, first_poll=options.poll_seconds
    )
