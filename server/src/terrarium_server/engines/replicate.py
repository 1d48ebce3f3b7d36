"""Models on Replicate: a prediction is created, asked for until it is over, and its files are fetched."""

import re
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, cast
from urllib.parse import quote

from pydantic import Field, field_validator

from ._contract import Failed, Finished, Input, Job, Look, Lost, Output, Ticket, Waiting
from ._failures import clean, moderated, moderation
from ._fields import CardOptions, Made, data_uri, fetched, made, may_exist, results
from ._provider import Polls, Provider, ProviderError, ProviderOptions, invalid_answer
from ._setup import Setup

# What Replicate advises: what is larger is uploaded, and named by its address.
_LARGEST_DATA_URI = 256 * 1000
# How often, and with which pause, a prediction whose answer never came is searched for.
_SEARCHES = 3
_SEARCH_PAUSE = 1.0
_CANCEL_SECONDS = 30.0
_PERCENT = re.compile(r"(\d{1,3})%\s*\|")
_ERROR_CODE = re.compile(r"\bE\d{3,4}\b")
_FAILURES = {
    "E006": "GENERATION_INPUT_VALIDATION",
    "E1001": "GPU_PROVIDER_ERROR",
    "E6716": "GENERATION_PROVIDER_TIMEOUT",
}
_WORDS = (
    (re.compile(r"out of memory", re.IGNORECASE), "GPU_PROVIDER_ERROR"),
    (re.compile(r"timed? ?out", re.IGNORECASE), "GENERATION_PROVIDER_TIMEOUT"),
)


class ReplicateOptions(ProviderOptions):
    """Only the key has to be given."""

    url: str = Field(
        "https://api.replicate.com/v1",
        pattern=r"^https?://[^\s@?#]+$",
        description="The root of Replicate's HTTP API.",
    )


class ReplicateCard(CardOptions):
    """``model`` is ``owner/name`` of an official model, or ``owner/name:version`` of any other."""

    model: str

    @field_validator("model")
    @classmethod
    def _names_a_model(cls, value: str) -> str:
        if not re.fullmatch(r"[\w.-]+/[\w.-]+(:[0-9a-f]{64})?", value):
            raise ValueError('write "owner/name", or "owner/name:version" with its 64 hexadecimal digits')
        return value


OPTIONS = ReplicateOptions


class ReplicateEngine:
    """Charges, and has no idempotency key: a prediction is created once and otherwise searched for."""

    repeatable = False

    def __init__(self, name: str, provider: Provider) -> None:
        """Create predictions through ``provider``."""
        self.name = name
        self._provider = provider
        self._polls = Polls(first=0.5, slowest=3.0)
        self._progress: dict[Ticket, float] = {}
        self._taken: set[Ticket] = set()
        self._cancelled: set[Ticket] = set()

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """Say that the key is missing or the card's options are wrong."""
        try:
            ReplicateCard.read(job_options)
        except ValueError as error:
            return str(error)
        return self._provider.key_problem(required=True)

    def submit(self, job: Job) -> Ticket:
        """Create a prediction. Raises Refused."""
        card, kind = ReplicateCard.of_job(job), made(job)
        model, _, version = card.model.partition(":")
        began = time.time()
        try:
            body: dict[str, Any] = {"input": card.request(job, self._address_of)}
        except ProviderError as error:
            raise error.refused() from error
        path = "/predictions" if version else f"/models/{model}/predictions"
        if version:
            body["version"] = version
        try:
            created = self._provider.json("POST", path, body=body, text=kind == "text")
            prediction = _text(created.get("id"))
            if not prediction:
                raise invalid_answer(self._provider.who, "a prediction without an id")
        except ProviderError as error:
            found = self._search(body["input"], began, kind) if may_exist(error) else None
            if found is None:
                raise error.refused() from error
            prediction = found
        ticket = Ticket(f"{kind}:{prediction}" + (f":{card.output}" if card.output else ""))
        self._taken.add(ticket)
        return ticket

    def look(self, ticket: Ticket, *, wait_seconds: float) -> Look:
        """Ask how a prediction stands; its files are fetched once it has succeeded."""
        kind, _, rest = ticket.partition(":")
        prediction, _, output = rest.partition(":")
        if kind not in ("image", "video", "audio", "text") or not prediction or ticket in self._cancelled:
            return Lost()
        if not self._polls.due(ticket, wait_seconds):
            return Waiting(self._progress.get(ticket, 0.0))
        try:
            answer = self._provider.json("GET", f"/predictions/{quote(prediction, safe='')}")
            seen = self._seen(ticket, answer, kind, output)
            self._polls.answered(ticket)
        except ProviderError as error:
            seen = Lost() if error.status in (404, 410) else self._polls.failed(ticket, error)
        if seen is None:
            return Waiting(self._progress.get(ticket, 0.0))
        if not isinstance(seen, Waiting):
            self._forget(ticket)
        return seen

    def cancel(self, ticket: Ticket) -> None:
        """Cancel a prediction; one that has ended cannot be, and has been charged for."""
        _, _, rest = ticket.partition(":")
        prediction = rest.partition(":")[0]
        if prediction and ticket not in self._cancelled:
            self._cancelled.add(ticket)
            # One that is over or gone has to be no trouble: nobody waits for it.
            with suppress(ProviderError):
                path = f"/predictions/{quote(prediction, safe='')}/cancel"
                self._provider.content("POST", path, seconds=_CANCEL_SECONDS)
        self._forget(ticket)

    def close(self) -> None:
        """Let go of the connections; predictions go on at Replicate."""
        self._polls.close()
        self._provider.close()

    def _forget(self, ticket: Ticket) -> None:
        self._polls.forget(ticket)
        self._progress.pop(ticket, None)

    def _address_of(self, medium: Input) -> str:
        if medium.path.stat().st_size <= _LARGEST_DATA_URI:
            return data_uri(medium)
        extension = medium.content_type.partition("/")[2]
        with medium.path.open("rb") as file:
            content = (f"input.{extension}", file, medium.content_type)
            uploaded = self._provider.json("POST", "/files", files={"content": content})
        urls = uploaded.get("urls")
        address = _text(cast(Mapping[str, Any], urls).get("get")) if isinstance(urls, Mapping) else ""
        if not address:
            raise invalid_answer(self._provider.who, "an uploaded file without an address")
        return address

    def _search(self, asked: dict[str, Any], began: float, kind: Made) -> str | None:
        """Find the prediction whose answer was lost among the latest: the one with the very same input.

        It was paid for if it is there, and asking for it again would be paid once more.
        """
        for attempt in range(_SEARCHES):
            if attempt:
                time.sleep(_SEARCH_PAUSE)
            try:
                latest = self._provider.json("GET", "/predictions").get("results")
            except ProviderError:
                return None
            for item in cast(list[Any], latest) if isinstance(latest, list) else []:
                if isinstance(item, Mapping):
                    prediction = cast(Mapping[str, Any], item)
                    name = _text(prediction.get("id"))
                    is_new = not any(taken.startswith(f"{kind}:{name}") for taken in self._taken)
                    if name and is_new and prediction.get("input") == asked and _since(prediction, began):
                        return name
        return None

    def _seen(self, ticket: Ticket, prediction: Mapping[str, Any], kind: Made, output: str) -> Look:
        match prediction.get("status"):
            case "starting" | "queued":
                return Waiting(self._progress.setdefault(ticket, 0.0))
            case "processing":
                return Waiting(self._further(ticket, prediction.get("logs")), _words(prediction, kind))
            case "succeeded":
                return self._finished(prediction, kind, output)
            case "failed":
                return self._failure(_text(prediction.get("error")), text=kind == "text")
            case "canceled" | "aborted":
                message = f"{self._provider.who} cancelled this: by hand, or because it took too long there."
                return Failed("GENERATION_CANCELLED", message)
            case status:
                raise invalid_answer(self._provider.who, f"a prediction with the status {str(status)[:40]!r}")

    def _further(self, ticket: Ticket, logs: Any) -> float:
        """Take the progress from the last bar in the logs; a model may draw several one after the other."""
        bars = _PERCENT.findall(_text(logs)[-20_000:])
        fraction = min(int(bars[-1]), 99) / 100 if bars else 0.0
        self._progress[ticket] = max(self._progress.get(ticket, 0.0), fraction, 0.05)
        return self._progress[ticket]

    def _finished(self, prediction: Mapping[str, Any], kind: Made, output: str) -> Finished | Failed:
        made = prediction.get("output")
        if not made:
            gone = "has deleted what it made" if prediction.get("data_removed") else "made nothing"
            return Failed("GENERATION_NO_RESULT", f"{self._provider.who} {gone}; try again later.")
        addresses = [found for found in results(self._provider, made, output, kind) if found]
        if not addresses:
            return Failed("GENERATION_NO_RESULT", f"{self._provider.who} made nothing; try again later.")
        return Finished(fetched(self._provider, addresses, kind))

    def _failure(self, said: str, *, text: bool) -> Failed:
        codes = _ERROR_CODE.findall(said)
        if moderated(said, {code.lower() for code in codes}):
            return moderation(self._provider.who, said, text=text)
        known = [_FAILURES[code] for code in codes if code in _FAILURES]
        known += [code for words, code in _WORDS if words.search(said)]
        code = known[0] if known else "GENERATION_GENERIC_ERROR"
        remedy = "Change the input." if code == "GENERATION_INPUT_VALIDATION" else "Try once more."
        return Failed(
            code, f"{self._provider.who} could not make this: {clean(said) or 'no reason'}. {remedy}"
        )


def _since(prediction: Mapping[str, Any], began: float) -> bool:
    """Whether a prediction was created after this moment, give or take two minutes of clocks."""
    try:
        created = datetime.fromisoformat(_text(prediction.get("created_at")))
        return created.timestamp() > began - 120
    except (ValueError, OverflowError):
        return False


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _words(prediction: Mapping[str, Any], kind: Made) -> Output | None:
    """The text so far, of a model that writes."""
    written = prediction.get("output")
    if kind != "text" or not isinstance(written, list):
        return None
    return Output("text/plain", "".join(_text(part) for part in cast(list[Any], written)))


def build(setup: Setup) -> ReplicateEngine:
    """Make the engine for this server."""
    options = cast(ReplicateOptions, setup.options)
    return ReplicateEngine(setup.name, Provider.for_engine(setup, options))
