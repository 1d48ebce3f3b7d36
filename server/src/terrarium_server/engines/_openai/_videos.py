import logging
from typing import Any, cast
from urllib.parse import quote

from terrarium_server.engines._contract import Failed, Job, Look, Lost, Output, Ticket, Waiting
from terrarium_server.engines._provider import (
    Line,
    Polls,
    Provider,
    ProviderError,
    clean,
    invalid_answer,
    moderated,
    moderation,
)

from ._calls import Calls
from ._card import OpenAICard, file_of, form

_log = logging.getLogger("terrarium_server.engines")

_PREFIX = "videos/"
_ASK_SECONDS = 15.0
_SUBMIT_SECONDS = 120.0


class Videos:
    """Videos are made at the provider under an id, which is the ticket: it outlives this process."""

    def __init__(self, provider: Provider, calls: Calls, *, first_poll: float) -> None:
        """Fetch finished videos on ``calls``."""
        self._provider = provider
        self._calls = calls
        self._polls = Polls(first=first_poll)
        self._progress: dict[Ticket, float] = {}

    @staticmethod
    def owns(ticket: Ticket) -> bool:
        """Whether this is the ticket of a video."""
        return ticket.startswith(_PREFIX)

    def submit(self, card: OpenAICard, job: Job) -> Ticket:
        """Have a video made. Raises ProviderError."""
        body = {"prompt": job.prompt, **card.body(job)}
        media = [medium for media in job.inputs.values() for medium in media]
        request: dict[str, Any] = {"body": body}
        if media:
            request = {"data": form(body), "files": [("input_reference", file_of(item)) for item in media]}
        answer = self._provider.json(
            "POST", "/videos", idempotency_key=job.key, seconds=_SUBMIT_SECONDS, **request
        )
        name = answer.get("id")
        if not isinstance(name, str) or not name:
            raise invalid_answer(self._provider.who, "no id of the video")
        return Ticket(_PREFIX + name)

    def look(self, ticket: Ticket, *, wait_seconds: float) -> Look:
        """Ask how a video stands, not more often than is polite."""
        if ticket in self._calls:
            return self._calls.look(ticket, wait_seconds=wait_seconds)
        if not self._polls.due(ticket, wait_seconds):
            return self._waiting(ticket)
        try:
            answer = self._provider.json("GET", _path(ticket), seconds=_ASK_SECONDS)
        except ProviderError as error:
            failure = self._polls.failed(ticket, error)
            if failure is None:
                return self._waiting(ticket)
            self._forget(ticket)
            return Lost() if error.status in (404, 410) else failure
        self._polls.answered(ticket)
        return self._read(ticket, answer)

    def cancel(self, ticket: Ticket) -> None:
        """Have it deleted at the provider; it may be charged all the same."""
        self._calls.cancel(ticket)
        self._forget(ticket)
        try:
            with self._provider.stream("DELETE", _path(ticket), seconds=_ASK_SECONDS):
                pass
        except ProviderError as error:
            _log.info("a video could not be deleted at its provider: %s", error)

    def close(self) -> None:
        """Wake whoever waits."""
        self._polls.close()

    def _waiting(self, ticket: Ticket) -> Waiting:
        return Waiting(self._progress.get(ticket, 0.0))

    def _forget(self, ticket: Ticket) -> None:
        self._polls.forget(ticket)
        self._progress.pop(ticket, None)

    def _read(self, ticket: Ticket, answer: dict[str, Any]) -> Look:
        match answer.get("status"):
            case "queued" | "in_progress" | "pending" | "processing":
                progress = answer.get("progress")
                if isinstance(progress, int | float):
                    known = self._progress.get(ticket, 0.0)
                    self._progress[ticket] = max(known, min(0.99, progress / 100))
                return self._waiting(ticket)
            case "completed":
                self._forget(ticket)
                self._calls.start(ticket, lambda line, report: self._fetch(ticket, line))
                return Waiting(0.99)
            case "failed" | "cancelled" | "canceled" | "expired":
                self._forget(ticket)
                return self._failure(answer)
            case _:
                self._forget(ticket)
                return invalid_answer(self._provider.who, "an unknown status of the video").failure

    def _fetch(self, ticket: Ticket, line: Line) -> tuple[Output, ...]:
        return (self._provider.download(f"{_path(ticket)}/content", "video", line=line),)

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
