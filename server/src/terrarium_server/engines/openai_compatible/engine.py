"""Models of any server that speaks the OpenAI API: texts, pictures, speech and videos."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from pydantic import Field

from ._contract import Followers, Job, Mark, News, Output, Ticket, Unknown
from ._openai import Calls, OpenAICard, Report, Videos, chat, check_media, images, speech
from ._provider import Provider, ProviderOptions
from ._setup import Setup

_MAKERS = {"chat": chat, "images": images, "speech": speech}
_CALL, _VIDEO = "call/", "video/"


class OpenAICompatibleOptions(ProviderOptions):
    """Where the server is; most of them want no key."""

    url: str = Field(
        default="https://api.openai.com/v1",
        pattern=r"^https?://[^\s@?#]+$",
        description="The root of the API, as in http://127.0.0.1:8080/v1.",
    )
    poll_seconds: float = Field(
        default=2.0, gt=0, le=60, description="How soon a video is asked for again; later ever more slowly."
    )


OPTIONS = OpenAICompatibleOptions


class OpenAICompatibleEngine:
    """Charges: a text, picture or speech is one call of this process, a video has an id at the provider."""

    repeatable = False

    def __init__(self, name: str, provider: Provider, *, key_required: bool, first_poll: float) -> None:
        """Ask ``provider``; ``first_poll`` is after how many seconds a video is first asked for again."""
        self.name = name
        self.longest_silence = provider.longest_silence
        self._provider = provider
        self._key_required = key_required
        self._calls = Calls()
        self._videos = Videos(provider, first_poll=first_poll)

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """Say that the key is missing, or what is wrong with the card."""
        try:
            OpenAICard.read(job_options)
        except ValueError as error:
            return str(error)
        return self._provider.key_problem(required=self._key_required)

    def followers(self, mark: Mark) -> Followers:
        """A call is known to this process alone; a video to whoever reaches the provider."""
        return self._provider.followers if mark.startswith(_VIDEO) else "worker"

    async def prepare(self, job: Job) -> Mark:
        """Check the card, the parameters and the media. Raises Refused."""
        card = OpenAICard.of_job(job)
        card.body(job)
        if card.endpoint == "chat":
            check_media(job)
        return Mark((_VIDEO if card.endpoint == "videos" else _CALL) + job.key)

    async def submit(self, job: Job, mark: Mark) -> Ticket:
        """Call for a job, without waiting for the answer; a video has its id first. Raises Refused."""
        card = OpenAICard.of_job(job)
        if card.endpoint == "videos":
            return await self._videos.submit(card, job)
        make = _MAKERS[card.endpoint]

        async def work(report: Report) -> tuple[Output, ...]:
            return await make(self._provider, card, job, report)

        ticket = Ticket(mark)
        self._calls.start(ticket, work)
        return ticket

    async def find(self, mark: Mark) -> Ticket | Unknown:
        """Find a call of this process; of all else nobody can tell whether it arrived and was charged."""
        ticket = Ticket(mark)
        return ticket if ticket in self._calls else Unknown()

    def follow(self, ticket: Ticket) -> AsyncGenerator[News]:
        """Tell how a job goes; of a call nobody knows any more after a restart."""
        return self._videos.follow(ticket) if Videos.owns(ticket) else self._calls.follow(ticket)

    async def cancel(self, ticket: Ticket) -> None:
        """Hang up, or have a video deleted."""
        if Videos.owns(ticket):
            await self._videos.cancel(ticket)
        else:
            await self._calls.cancel(ticket)

    async def close(self) -> None:
        """Hang up on all calls; videos go on at the provider."""
        await self._calls.close()
        await self._provider.close()


def build(setup: Setup) -> OpenAICompatibleEngine:
    """Make an engine for one server; nothing is opened yet."""
    options = setup.options
    assert isinstance(options, OpenAICompatibleOptions)
    provider = Provider.for_engine(setup, options)
    key_required = options.url.startswith("https://api.openai.com/")
    return OpenAICompatibleEngine(
        setup.name, provider, key_required=key_required, first_poll=options.poll_seconds
    )
