"""Models on fal, through its queue: a request is put in line, asked for until it is over, and fetched."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, cast
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from ._contract import (
    Failed,
    Finished,
    Followers,
    Job,
    Lost,
    Mark,
    News,
    Progress,
    Ticket,
    Unknown,
)
from ._failures import clean, moderated, moderation
from ._fields import CardOptions, Made, data_uri, fetched, made, results
from ._provider import Provider, ProviderError, ProviderOptions, invalid_answer, poll
from ._setup import Setup

_MODERATION = ("GENERATION_PROMPT_MODERATED", "LLM_REFUSAL")
_CANCEL_SECONDS = 30.0
# fal tells no fraction; this much says that somebody is at work.
_AT_WORK = 0.1
# https://fal.ai/docs/documentation/model-apis/request-errors
_FAILURES = {
    "request_timeout": "GENERATION_PROVIDER_TIMEOUT",
    "startup_timeout": "GENERATION_PROVIDER_TIMEOUT",
    "bad_request": "GENERATION_INPUT_VALIDATION",
    "client_cancelled": "GENERATION_CANCELLED",
    "client_disconnected": "GENERATION_CANCELLED",
}


class FalOptions(ProviderOptions):
    """Only the key has to be given."""

    url: str = Field(
        "https://queue.fal.run", pattern=r"^https?://[^\s@?#]+$", description="The root of fal's queue."
    )


class FalCard(CardOptions):
    """``app`` is the model's id, such as ``fal-ai/flux/schnell``."""

    app: str
    output: str = "images"

    @field_validator("app")
    @classmethod
    def _names_an_app(cls, value: str) -> str:
        if not re.fullmatch(r"[\w.-]+(/[\w.-]+)+", value) or ".." in value:
            raise ValueError('write "owner/app", with the path of the endpoint behind it if it has one')
        return value


OPTIONS = FalOptions


class FalEngine:
    """Charges, and documents no idempotency key: a request is put in line once, whatever happens then."""

    repeatable = False

    def __init__(self, name: str, provider: Provider) -> None:
        """Put requests in line through ``provider``."""
        self.name = name
        self.longest_silence = provider.longest_silence
        self._provider = provider

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """Say that the key is missing or the card's options are wrong."""
        try:
            FalCard.read(job_options)
        except ValueError as error:
            return str(error)
        return self._provider.key_problem(required=True)

    def followers(self, mark: Mark) -> Followers:
        """Whoever has a key."""
        return self._provider.followers

    async def prepare(self, job: Job) -> Mark:
        """Check a job. Raises Refused."""
        FalCard.of_job(job)
        made(job)
        return Mark(job.key)

    async def submit(self, job: Job, mark: Mark) -> Ticket:
        """Put a request in line. Raises Refused."""
        card, kind = FalCard.of_job(job), made(job)
        body = await card.request(job, partial(asyncio.to_thread, data_uri))
        try:
            queued = await self._provider.json("POST", f"/{card.app}", body=body, text=kind == "text")
            request = queued.get("request_id")
            if not isinstance(request, str) or not request:
                raise invalid_answer(self._provider.who, "a request without an id")
        except ProviderError as error:
            raise error.refused() from error
        # The way fal's own client goes when it knows no more than the id.
        usual = f"/{'/'.join(card.app.split('/')[:2])}/requests/{request}"
        paths = [
            self._below(queued.get("status_url"), f"{usual}/status"),
            self._below(queued.get("response_url"), usual),
            self._below(queued.get("cancel_url"), f"{usual}/cancel"),
        ]
        return Ticket(json.dumps([kind, card.output, *paths], separators=(",", ":")))

    async def find(self, mark: Mark) -> Unknown:
        """Nobody can tell: fal lists no requests."""
        return Unknown()

    def follow(self, ticket: Ticket) -> AsyncGenerator[News]:
        """Ask how a request stands; its files are fetched once it is completed."""
        return poll(lambda: self._ask(ticket), first=0.5, slowest=3.0)

    async def cancel(self, ticket: Ticket) -> None:
        """Take a request out of the line, or ask its runner to stop."""
        if known := _parts(ticket):
            # One that is over or gone has to be no trouble: nobody waits for it.
            with suppress(ProviderError):
                await self._provider.content("PUT", known[-1], seconds=_CANCEL_SECONDS)

    async def close(self) -> None:
        """Let go of the connections; requests go on at fal."""
        await self._provider.close()

    def _below(self, url: Any, usual: str) -> str:
        """Return an address of the queue as a path below our url, which may be a proxy's."""
        if not isinstance(url, str) or not url.startswith(("https://", "http://")):
            return usual
        own = urlsplit(self._provider.url).path.rstrip("/")
        return urlsplit(url).path.removeprefix(own) or usual

    async def _ask(self, ticket: Ticket) -> News:
        known = _parts(ticket)
        if known is None:
            return Lost()
        kind, output, status_path, response_path, _ = known
        status = await self._provider.json("GET", status_path)
        match status.get("status"):
            case "IN_QUEUE":
                return Progress(0.0)
            case "IN_PROGRESS":
                return Progress(_AT_WORK)
            case "COMPLETED":
                return await self._completed(status, cast(Made, kind), output, response_path)
            case other:
                raise invalid_answer(self._provider.who, f"a request with the status {str(other)[:40]!r}")

    async def _completed(
        self, status: Mapping[str, Any], kind: Made, output: str, response_path: str
    ) -> Finished | Failed:
        who = self._provider.who
        try:
            answer = await self._provider.json("GET", response_path, text=kind == "text")
        except ProviderError as error:
            # What the model answered is kept and stays the same: asking again would not help.
            if error.status is None or not _is_the_models(error):
                raise
            return self._failure(status, error, text=kind == "text")
        addresses = results(self._provider, answer, output, kind)
        kept = _unflagged(answer, addresses)
        if addresses and not kept:
            return moderation(who, text=kind == "text")
        if not kept:
            return Failed("GENERATION_NO_RESULT", f"{who} made nothing; try again later.")
        return Finished(await fetched(self._provider, kept, kind))

    def _failure(self, status: Mapping[str, Any], error: ProviderError, *, text: bool) -> Failed:
        named = status.get("error_type") or error.headers.get("x-fal-error-type")
        kind = named if isinstance(named, str) else ""
        said = status.get("error") if isinstance(status.get("error"), str) else ""
        if moderated(str(said), {kind.lower()}):
            return moderation(self._provider.who, str(said), text=text)
        if kind in _FAILURES and error.failure.code not in _MODERATION:
            message = f"{self._provider.who} could not make this: {clean(str(said)) or kind}. Try once more."
            return Failed(_FAILURES[kind], message)
        return error.failure


def _parts(ticket: Ticket) -> list[str] | None:
    try:
        parts: Any = json.loads(ticket)
    except ValueError:
        return None
    if isinstance(parts, list) and [type(part) for part in cast(list[Any], parts)] == [str] * 5:
        return cast(list[str], parts)
    return None


def _is_the_models(error: ProviderError) -> bool:
    """Whether this is what the model answered, and not that the queue could not say."""
    if error.status in (404, 408, 410, 429):
        return False
    return error.status is not None and (error.status < 500 or b'"detail"' in error.body)


def _unflagged(answer: Mapping[str, Any], addresses: list[str | None]) -> list[str]:
    """Leave out the pictures that the safety checker blackened; it says so and charges all the same."""
    flags = answer.get("has_nsfw_concepts")
    flagged = cast(list[Any], flags) if isinstance(flags, list) else []
    return [
        address
        for position, address in enumerate(addresses)
        if address and not (position < len(flagged) and flagged[position] is True)
    ]


def build(setup: Setup) -> FalEngine:
    """Make the engine for this server."""
    options = cast(FalOptions, setup.options)
    return FalEngine(setup.name, Provider.for_engine(setup, options, key_prefix="Key "))
