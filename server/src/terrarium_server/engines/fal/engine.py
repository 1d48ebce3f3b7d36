"""Models on fal, through its queue."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from terrarium_server.engines import Failed, Job, Progress
from terrarium_server.engines.provider import (
    BaseUrl,
    Provider,
    ProviderError,
    ProviderOptions,
    ProviderTicket,
    QueuedEngine,
    RequestOptions,
    Results,
    Status,
    clean,
    data_uri,
    moderated,
    output_type,
)
from terrarium_server.engines.setup import Setup

_MODERATION = ("GENERATION_PROMPT_MODERATED", "LLM_REFUSAL")
# fal reports no fraction; this value shows that the job is running.
_RUNNING = 0.1
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

    url: BaseUrl = Field("https://queue.fal.run", description="The root of fal's queue.")


class FalCard(RequestOptions):
    """``app`` is the model's id, such as ``fal-ai/flux/schnell``."""

    app: str
    output: str = "images"

    @field_validator("app")
    @classmethod
    def _names_an_app(cls, value: str) -> str:
        if not re.fullmatch(r"[\w.-]+(/[\w.-]+)+", value) or ".." in value:
            raise ValueError('write "owner/app", with the path of the endpoint behind it if it has one')
        return value


@dataclass(frozen=True, slots=True)
class FalTicket(ProviderTicket):
    """A request in the queue: the path to the results in its answer, and its addresses below our url."""

    output: str
    status_path: str
    response_path: str
    cancel_path: str


OPTIONS = FalOptions


class FalEngine(QueuedEngine[FalCard, FalTicket]):
    """Cannot search: fal documents no idempotency key and lists no requests."""

    card = FalCard
    ticket = FalTicket

    async def request(self, job: Job, card: FalCard) -> dict[str, Any]:
        """Return the model's input, with media as ``data:`` addresses."""
        return await card.request(job, partial(asyncio.to_thread, data_uri))

    async def post(self, job: Job, card: FalCard, request: dict[str, Any]) -> FalTicket:
        """Put a request into the queue."""
        made = output_type(job)
        queued = await self.provider.json("POST", f"/{card.app}", body=request, text=made == "text")
        request_id = self.provider.text_field(queued, "request_id")
        # fal's own client builds these paths if it has only the id.
        usual = f"/{'/'.join(card.app.split('/')[:2])}/requests/{request_id}"
        return FalTicket(
            made,
            card.output,
            self._path(queued.get("status_url"), f"{usual}/status"),
            self._path(queued.get("response_url"), usual),
            self._path(queued.get("cancel_url"), f"{usual}/cancel"),
        )

    async def status(self, ticket: FalTicket) -> Status:
        """Poll a request, and read its response once it is completed."""
        status = await self.provider.json("GET", ticket.status_path)
        match status.get("status"):
            case "IN_QUEUE":
                return Progress(0.0)
            case "IN_PROGRESS":
                return Progress(_RUNNING)
            case "COMPLETED":
                return await self._completed(ticket, status)
            case other:
                raise self.provider.invalid_answer(f"a request with the status {str(other)[:40]!r}")

    async def stop(self, ticket: FalTicket) -> None:
        """Take a request out of the queue, or stop its runner."""
        await self.provider.send("PUT", ticket.cancel_path)

    def _path(self, url: Any, usual: str) -> str:
        """Return an address of the queue as a path below our url, which may be a proxy's."""
        if not isinstance(url, str) or not url.startswith(("https://", "http://")):
            return usual
        own = urlsplit(self.provider.url).path.rstrip("/")
        return urlsplit(url).path.removeprefix(own) or usual

    async def _completed(self, ticket: FalTicket, status: Mapping[str, Any]) -> Results | Failed:
        is_text = ticket.type == "text"
        try:
            answer = await self.provider.json("GET", ticket.response_path, text=is_text)
        except ProviderError as error:
            # The model's own answer is stored and stays the same, so polling on would not help.
            if not _is_from_model(error):
                raise
            return self._failure(status, error, text=is_text)
        addresses = self.provider.result_addresses(answer, ticket.output, ticket.type)
        kept = _unflagged(answer, addresses)
        if addresses and not kept:
            return self.provider.moderation(text=is_text)
        return Results(kept)

    def _failure(self, status: Mapping[str, Any], error: ProviderError, *, text: bool) -> Failed:
        error_type = status.get("error_type") or error.headers.get("x-fal-error-type")
        name = error_type if isinstance(error_type, str) else ""
        message = status.get("error") if isinstance(status.get("error"), str) else ""
        if moderated(str(message), {name.lower()}):
            return self.provider.moderation(str(message), text=text)
        if name in _FAILURES and error.failure.code not in _MODERATION:
            reason = clean(str(message)) or name
            return Failed(
                _FAILURES[name], f"{self.provider.label} could not make this: {reason}. Try once more."
            )
        return error.failure


def _is_from_model(error: ProviderError) -> bool:
    """Whether this is the model's own answer, and not a failure of the queue."""
    if error.status is None or error.status in (404, 408, 410, 429):
        return False
    return error.status < 500 or b'"detail"' in error.body


def _unflagged(answer: Mapping[str, Any], addresses: list[str | None]) -> list[str]:
    """Leave out the pictures that the safety checker made black; fal flags them and charges all the same."""
    flags = answer.get("has_nsfw_concepts")
    flagged = cast(list[Any], flags) if isinstance(flags, list) else []
    return [
        address
        for position, address in enumerate(addresses)
        if address and not (position < len(flagged) and flagged[position] is True)
    ]


def build(setup: Setup) -> FalEngine:
    """Make the engine for this server."""
    return FalEngine(setup.name, Provider.for_engine(setup, key_prefix="Key "))
