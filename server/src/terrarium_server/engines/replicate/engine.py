"""Models on Replicate, as predictions."""

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, cast
from urllib.parse import quote

from pydantic import Field, field_validator

from terrarium_server.engines import Failed, Input, Job, Mark, Output, Progress, Unknown
from terrarium_server.engines.provider import (
    BaseUrl,
    Provider,
    ProviderOptions,
    ProviderTicket,
    QueuedEngine,
    RequestOptions,
    Results,
    Status,
    checked_type,
    clean,
    data_uri,
    moderated,
    output_type,
)
from terrarium_server.engines.setup import Setup

from .finding import PredictionMark, find

# Replicate advises to upload what is larger and to send its address.
_LARGEST_DATA_URI = 256 * 1000
# An hour after its end Replicate deletes a prediction's input: no search can match it any more.
_TAKEN_SECONDS = 7200.0
_PERCENT = re.compile(r"(\d{1,3})%\s*\|")
_ERROR_CODE = re.compile(r"\bE\d{3,4}\b")
_FAILURES = {
    "E006": "GENERATION_INPUT_VALIDATION",
    "E1001": "GPU_PROVIDER_ERROR",
    "E6716": "GENERATION_PROVIDER_TIMEOUT",
}
_PHRASES = (
    (re.compile(r"out of memory", re.IGNORECASE), "GPU_PROVIDER_ERROR"),
    (re.compile(r"timed? ?out", re.IGNORECASE), "GENERATION_PROVIDER_TIMEOUT"),
)


class ReplicateOptions(ProviderOptions):
    """Only the key has to be given."""

    url: BaseUrl = Field("https://api.replicate.com/v1", description="The root of Replicate's HTTP API.")


class ReplicateCard(RequestOptions):
    """``model`` is ``owner/name`` of an official model, or ``owner/name:version`` of any other."""

    model: str

    @field_validator("model")
    @classmethod
    def _names_a_model(cls, value: str) -> str:
        if not re.fullmatch(r"[\w.-]+/[\w.-]+(:[0-9a-f]{64})?", value):
            raise ValueError('write "owner/name", or "owner/name:version" with its 64 hexadecimal digits')
        return value


@dataclass(frozen=True, slots=True)
class ReplicateTicket(ProviderTicket):
    """A prediction's id, and the path to the results in its answer."""

    id: str
    output: str

    @property
    def text(self) -> str:
        """The fields with colons between, the path only if there is one."""
        return f"{self.type}:{self.id}" + (f":{self.output}" if self.output else "")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Split the text at its colons. Raises ValueError."""
        made, _, rest = text.partition(":")
        prediction, _, output = rest.partition(":")
        if not prediction:
            raise ValueError("no id of a prediction")
        return cls(checked_type(made), prediction, output)

    @property
    def path(self) -> str:
        """The prediction's path below the provider's url."""
        return f"/predictions/{quote(self.id, safe='')}"


OPTIONS = ReplicateOptions


class ReplicateEngine(QueuedEngine[ReplicateCard, ReplicateTicket]):
    """Searches for a prediction whose answer was lost: Replicate has no idempotency key."""

    card = ReplicateCard
    ticket = ReplicateTicket

    def __init__(self, name: str, provider: Provider) -> None:
        """Create predictions through ``provider``."""
        super().__init__(name, provider)
        # By a prediction's id: the key of its job, and when that was learnt (monotonic seconds).
        self._taken: dict[str, tuple[str, float]] = {}

    async def mark(self, job: Job, card: ReplicateCard) -> Mark:
        """Describe the prediction that a job will become."""
        mark = await PredictionMark.of(job, output_type(job), card, card.model)
        return Mark(mark.model_dump_json())

    async def request(self, job: Job, card: ReplicateCard) -> dict[str, Any]:
        """Return the model's input; large media are uploaded first."""
        _, _, version = card.model.partition(":")
        body = {"input": await card.request(job, self._address_of)}
        return {**body, "version": version} if version else body

    async def post(self, job: Job, card: ReplicateCard, request: dict[str, Any]) -> ReplicateTicket:
        """Create a prediction."""
        made = output_type(job)
        path = "/predictions" if "version" in request else f"/models/{card.model}/predictions"
        created = await self.provider.json("POST", path, body=request, text=made == "text")
        prediction = self.provider.text_field(created, "id")
        self._take(prediction, job.key)
        return ReplicateTicket(made, prediction, card.output)

    async def search(self, mark: Mark) -> ReplicateTicket | Unknown | None:
        """Search the latest predictions for the one that this mark describes."""
        sought = PredictionMark.model_validate_json(mark)
        prediction = await find(self.provider, sought, lambda other: self._is_taken(other, sought.key))
        if not isinstance(prediction, str):
            return prediction
        self._take(prediction, sought.key)
        return ReplicateTicket(sought.kind, prediction, sought.output)

    async def status(self, ticket: ReplicateTicket) -> Status:
        """Poll a prediction."""
        is_text = ticket.type == "text"
        prediction = await self.provider.json("GET", ticket.path)
        match prediction.get("status"):
            case "starting" | "queued":
                return Progress(0.0)
            case "processing":
                return Progress(
                    _fraction(prediction.get("logs")), _text_so_far(prediction) if is_text else None
                )
            case "succeeded":
                return self._succeeded(ticket, prediction)
            case "failed":
                return self._failure(_text(prediction.get("error")), text=is_text)
            case "canceled" | "aborted":
                message = f"{self.provider.label} cancelled this: by hand, or because it took too long."
                return Failed("GENERATION_CANCELLED", message)
            case other:
                raise self.provider.invalid_answer(f"a prediction with the status {str(other)[:40]!r}")

    async def stop(self, ticket: ReplicateTicket) -> None:
        """Cancel a prediction; one that has ended has been charged."""
        await self.provider.send("POST", f"{ticket.path}/cancel")

    def _take(self, prediction: str, key: str) -> None:
        now = time.monotonic()
        self._taken.pop(prediction, None)
        # The oldest come first.
        while self._taken and now - next(iter(self._taken.values()))[1] >= _TAKEN_SECONDS:
            del self._taken[next(iter(self._taken))]
        self._taken[prediction] = (key, now)

    def _is_taken(self, prediction: str, key: str) -> bool:
        """Whether a prediction belongs to another job: two jobs may have equal inputs."""
        owner, _ = self._taken.get(prediction, (key, 0.0))
        return owner != key

    async def _address_of(self, medium: Input) -> str:
        if (await asyncio.to_thread(medium.path.stat)).st_size <= _LARGEST_DATA_URI:
            return await asyncio.to_thread(data_uri, medium)
        extension = medium.content_type.partition("/")[2]
        with medium.path.open("rb") as file:
            content = (f"input.{extension}", file, medium.content_type)
            uploaded = await self.provider.json("POST", "/files", files={"content": content})
        urls = uploaded.get("urls")
        if not isinstance(urls, Mapping):
            raise self.provider.invalid_answer("an uploaded file without an address")
        return self.provider.text_field(cast(Mapping[str, Any], urls), "get")

    def _succeeded(self, ticket: ReplicateTicket, prediction: Mapping[str, Any]) -> Results | Failed:
        output = prediction.get("output")
        if output:
            return Results(self.provider.result_addresses(output, ticket.output, ticket.type))
        if prediction.get("data_removed"):
            message = f"{self.provider.label} has deleted what it made; try again later."
            return Failed("GENERATION_NO_RESULT", message)
        return Results(())

    def _failure(self, message: str, *, text: bool) -> Failed:
        codes = _ERROR_CODE.findall(message)
        if moderated(message, {code.lower() for code in codes}):
            return self.provider.moderation(message, text=text)
        ours = [_FAILURES[code] for code in codes if code in _FAILURES]
        ours += [code for phrase, code in _PHRASES if phrase.search(message)]
        code = ours[0] if ours else "GENERATION_GENERIC_ERROR"
        remedy = "Change the input." if code == "GENERATION_INPUT_VALIDATION" else "Try once more."
        reason = clean(message) or "no reason"
        return Failed(code, f"{self.provider.label} could not make this: {reason}. {remedy}")


def _fraction(logs: Any) -> float:
    """Return the progress of the last bar in the logs; a model may draw several one after the other."""
    bars = _PERCENT.findall(_text(logs)[-20_000:])
    return max(min(int(bars[-1]), 99) / 100 if bars else 0.0, 0.05)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _text_so_far(prediction: Mapping[str, Any]) -> Output | None:
    written = prediction.get("output")
    if not isinstance(written, list):
        return None
    return Output("text/plain", "".join(_text(part) for part in cast(list[Any], written)))


def build(setup: Setup) -> ReplicateEngine:
    """Make the engine for this server."""
    return ReplicateEngine(setup.name, Provider.for_engine(setup))
