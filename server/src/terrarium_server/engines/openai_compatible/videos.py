"""Videos, which have an id at the provider."""

import json
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Self, cast
from urllib.parse import quote

from terrarium_server.engines import Failed, Finished, Job, Mark, Progress
from terrarium_server.engines.provider import (
    Provider,
    ProviderError,
    ProviderTicket,
    QueuedEngine,
    Results,
    Status,
    clean,
    moderated,
    split_texts,
)

from .card import OpenAICard, file_of, form

MARK_PREFIX = "video/"

_PREFIX, _FAILED_PREFIX = "videos/", "failed/"
_POLL_SECONDS = 15.0
_POST_SECONDS = 120.0
_SLOWEST_POLL = 10.0


@dataclass(frozen=True, slots=True)
class VideoTicket(ProviderTicket):
    """A video's id, or the failure of one that may have been started although its id never arrived."""

    id: str
    failure: Failed | None = None

    @property
    def text(self) -> str:
        """The id, or code and message of the failure, each with a prefix."""
        if self.failure is None:
            return _PREFIX + self.id
        return _FAILED_PREFIX + json.dumps([self.failure.code, self.failure.message])

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what follows the prefix. Raises ValueError."""
        if text.startswith(_FAILED_PREFIX):
            code, message = split_texts(text.removeprefix(_FAILED_PREFIX))
            return cls("video", "", Failed(code, message))
        if text.startswith(_PREFIX):
            return cls("video", text.removeprefix(_PREFIX))
        raise ValueError("not the ticket of a video")

    @property
    def path(self) -> str:
        """The video's path below the provider's url."""
        return f"/videos/{quote(self.id, safe='')}"


class Videos(QueuedEngine[OpenAICard, VideoTicket]):
    """Videos are made at the provider under an id; the API has no search for an id that was lost."""

    card = OpenAICard
    ticket = VideoTicket

    def __init__(self, name: str, provider: Provider, *, key_required: bool, first_poll: float) -> None:
        """Poll after ``first_poll`` seconds, and then ever more slowly."""
        super().__init__(
            name, provider, key_required=key_required, first_poll=first_poll, slowest_poll=_SLOWEST_POLL
        )

    @staticmethod
    def owns(text: str) -> bool:
        """Whether this is a video's mark or ticket."""
        return text.startswith((MARK_PREFIX, _PREFIX, _FAILED_PREFIX))

    async def mark(self, job: Job, card: OpenAICard) -> Mark:
        """Check the parameters. Raises Refused."""
        card.body(job)
        return Mark(MARK_PREFIX + job.key)

    async def request(self, job: Job, card: OpenAICard) -> dict[str, Any]:
        """Return all fields but the media."""
        return {"prompt": job.prompt, **card.body(job)}

    async def post(self, job: Job, card: OpenAICard, request: dict[str, Any]) -> VideoTicket:
        """Start a video.

        If no answer arrives, the video may have been started and charged. The ticket then holds the failure,
        because a refusal would invite another try.
        """
        try:
            return VideoTicket("video", await self._started(job, request))
        except ProviderError as error:
            if error.status is None and error.sent:
                return VideoTicket("video", "", error.failure)
            raise

    async def status(self, ticket: VideoTicket) -> Status:
        """Poll a video."""
        if ticket.failure is not None:
            return ticket.failure
        answer = await self.provider.json("GET", ticket.path, seconds=_POLL_SECONDS)
        match answer.get("status"):
            case "queued" | "in_progress" | "pending" | "processing":
                percent = answer.get("progress")
                is_number = isinstance(percent, int | float)
                return Progress(min(0.99, max(0.0, percent / 100)) if is_number else 0.0)
            case "completed":
                return Results((f"{ticket.path}/content",))
            case "failed" | "cancelled" | "canceled" | "expired":
                return self._failure(answer)
            case _:
                raise self.provider.invalid_answer("an unknown status of the video")

    async def stop(self, ticket: VideoTicket) -> None:
        """Delete a video; it may be charged all the same."""
        if ticket.failure is None:
            await self.provider.send("DELETE", ticket.path)

    async def fetch(self, ticket: VideoTicket, results: Results) -> Finished | Failed:
        """Download a video; if its content is gone the video has failed, because its id is still known."""
        try:
            return await super().fetch(ticket, results)
        except ProviderError as error:
            if error.is_temporary:
                raise
            return error.failure

    async def _started(self, job: Job, body: dict[str, Any]) -> str:
        media = [medium for media in job.inputs.values() for medium in media]
        request: dict[str, Any] = {"body": body}
        with ExitStack() as opened:
            if media:
                files = [("input_reference", file_of(medium, opened)) for medium in media]
                request = {"data": form(body), "files": files}
            answer = await self.provider.json(
                "POST", "/videos", idempotency_key=job.key, seconds=_POST_SECONDS, **request
            )
        return self.provider.text_field(answer, "id")

    def _failure(self, answer: dict[str, Any]) -> Failed:
        error = answer.get("error")
        fields = cast(dict[str, Any], error) if isinstance(error, dict) else {"message": error or ""}
        message, code = clean(str(fields.get("message") or "")), str(fields.get("code") or "").lower()
        if moderated(message, {code}):
            return self.provider.moderation(message)
        reason = f": {message}" if message else ""
        failed = f"{self.provider.label} could not make the video{reason}".rstrip(".")
        return Failed("GENERATION_DOWNSTREAM_SERVICE_ERROR", f"{failed}. Try again later.")
