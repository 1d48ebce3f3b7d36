import json
import logging
from collections.abc import AsyncGenerator
from contextlib import ExitStack, aclosing
from typing import Any, cast
from urllib.parse import quote

from terrarium_server.engines._contract import Failed, Finished, Job, Lost, News, Progress, Ticket
from terrarium_server.engines._provider import (
    Provider,
    ProviderError,
    clean,
    invalid_answer,
    moderated,
    moderation,
    poll,
)

from ._card import OpenAICard, file_of, form

_log = logging.getLogger("terrarium_server.engines")

_PREFIX = "videos/"
# Of a ticket that holds nothing but a failure.
_FAILED = "failed/"
_ASK_SECONDS = 15.0
_SUBMIT_SECONDS = 120.0
_SLOWEST_SECONDS = 10.0


class Videos:
    """Videos are made at the provider under an id, which is the ticket: it outlives this process."""

    def __init__(self, provider: Provider, *, first_poll: float) -> None:
        """Ask again after ``first_poll`` seconds, and then ever more slowly."""
        self._provider = provider
        self._first_poll = first_poll

    @staticmethod
    def owns(ticket: Ticket) -> bool:
        """Whether this is the ticket of a video."""
        return ticket.startswith((_PREFIX, _FAILED))

    async def submit(self, card: OpenAICard, job: Job) -> Ticket:
        """Have a video made. Raises Refused.

        If nobody can tell whether it was started, the ticket is one that tells so: it may be under way and
        paid for, and to call it refused would invite another try.
        """
        try:
            return Ticket(_PREFIX + await self._started(card, job))
        except ProviderError as error:
            if error.status is None and error.sent:
                return Ticket(_FAILED + json.dumps([error.failure.code, error.failure.message]))
            raise error.refused() from error

    async def follow(self, ticket: Ticket) -> AsyncGenerator[News]:
        """Ask how a video stands, not more often than is polite; it is fetched once it is completed."""
        if ticket.startswith(_FAILED):
            yield _told(ticket)
            return
        slowest = max(_SLOWEST_SECONDS, self._first_poll)
        asked = poll(lambda: self._ask(ticket), first=self._first_poll, slowest=slowest)
        async with aclosing(asked) as news:
            async for heard in news:
                yield heard

    async def cancel(self, ticket: Ticket) -> None:
        """Have it deleted at the provider; it may be charged all the same."""
        if ticket.startswith(_FAILED):
            return
        try:
            await self._provider.content("DELETE", _path(ticket), seconds=_ASK_SECONDS)
        except ProviderError as error:
            _log.info("a video could not be deleted at its provider: %s", error)

    async def _started(self, card: OpenAICard, job: Job) -> str:
        body = {"prompt": job.prompt, **card.body(job)}
        media = [medium for media in job.inputs.values() for medium in media]
        request: dict[str, Any] = {"body": body}
        with ExitStack() as opened:
            if media:
                files = [("input_reference", file_of(medium, opened)) for medium in media]
                request = {"data": form(body), "files": files}
            answer = await self._provider.json(
                "POST", "/videos", idempotency_key=job.key, seconds=_SUBMIT_SECONDS, **request
            )
        name = answer.get("id")
        if not isinstance(name, str) or not name:
            raise invalid_answer(self._provider.who, "no id of the video")
        return name

    async def _ask(self, ticket: Ticket) -> News:
        answer = await self._provider.json("GET", _path(ticket), seconds=_ASK_SECONDS)
        match answer.get("status"):
            case "queued" | "in_progress" | "pending" | "processing":
                progress = answer.get("progress")
                known = isinstance(progress, int | float)
                return Progress(min(0.99, max(0.0, progress / 100)) if known else 0.0)
            case "completed":
                return await self._fetched(ticket)
            case "failed" | "cancelled" | "canceled" | "expired":
                return self._failure(answer)
            case _:
                raise invalid_answer(self._provider.who, "an unknown status of the video")

    async def _fetched(self, ticket: Ticket) -> Finished | Failed:
        try:
            return Finished((await self._provider.download(f"{_path(ticket)}/content", "video"),))
        except ProviderError as error:
            # It was paid for, and is asked for again if that may help.
            if error.passes:
                raise
            return error.failure

    def _failure(self, answer: dict[str, Any]) -> Failed:
        error = answer.get("error")
        fields = cast(dict[str, Any], error) if isinstance(error, dict) else {"message": error or ""}
        said, code = clean(str(fields.get("message") or "")), str(fields.get("code") or "").lower()
        if moderated(said, {code}):
            return moderation(self._provider.who, said)
        reason = f": {said}" if said else ""
        message = f"{self._provider.who} could not make the video{reason}".rstrip(".")
        return Failed("GENERATION_DOWNSTREAM_SERVICE_ERROR", f"{message}. Try again later.")


def _path(ticket: Ticket) -> str:
    return f"/videos/{quote(ticket.removeprefix(_PREFIX), safe='')}"


def _told(ticket: Ticket) -> News:
    try:
        told: Any = json.loads(ticket.removeprefix(_FAILED))
    except ValueError:
        told = None
    match told:
        case [str(code), str(message)]:
            return Failed(code, message)
        case _:
            return Lost()
