"""Models of any server that speaks the OpenAI API: texts, pictures, speech and videos."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from ._contract import Job, Look, Output, Ticket
from ._openai import Calls, OpenAICard, Report, Videos, chat, images, speech
from ._provider import Line, Provider, ProviderError, ProviderOptions
from ._setup import Setup

_MAKERS = {"chat": chat, "images": images, "speech": speech}


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
        self._provider = provider
        self._key_required = key_required
        self._calls = Calls()
        self._videos = Videos(provider, self._calls, first_poll=first_poll)

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """Say that the key is missing, or what is wrong with the card."""
        try:
            OpenAICard.read(job_options)
        except ValueError as error:
            return str(error)
        return self._provider.key_problem(required=self._key_required)

    def submit(self, job: Job) -> Ticket:
        """Call for a job. Raises Refused."""
        card = OpenAICard.of_job(job)
        ticket = Ticket(job.key)
        if card.endpoint != "videos":
            make = _MAKERS[card.endpoint]
            # What a card cannot ask for is told now, and not by the thread.
            card.body(job)

            def work(line: Line, report: Report) -> tuple[Output, ...]:
                return make(self._provider, card, job, line, report)

            self._calls.start(ticket, work)
            return ticket
        try:
            return self._videos.submit(card, job)
        except ProviderError as error:
            if error.status is None and error.sent:
                # It may be under way and paid for: to call it refused would invite another try.
                self._calls.fail(ticket, error.failure)
                return ticket
            raise error.refused() from error

    def look(self, ticket: Ticket, *, wait_seconds: float) -> Look:
        """Say how a job stands; of a call nobody knows any more after a restart."""
        if Videos.owns(ticket):
            return self._videos.look(ticket, wait_seconds=wait_seconds)
        return self._calls.look(ticket, wait_seconds=wait_seconds)

    def cancel(self, ticket: Ticket) -> None:
        """Hang up, or have a video deleted."""
        if Videos.owns(ticket):
            self._videos.cancel(ticket)
        else:
            self._calls.cancel(ticket)

    def close(self) -> None:
        """Hang up on all calls; videos go on at the provider."""
        self._videos.close()
        self._calls.close()
        self._provider.close()


def build(setup: Setup) -> OpenAICompatibleEngine:
    """Make an engine for one server; nothing is opened yet."""
    options = setup.options
    assert isinstance(options, OpenAICompatibleOptions)
    provider = Provider.for_engine(setup, options)
    key_required = options.url.startswith("https://api.openai.com/")
    return OpenAICompatibleEngine(
        setup.name, provider, key_required=key_required, first_poll=options.poll_seconds
    )
