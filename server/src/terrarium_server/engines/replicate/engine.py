"""Models on Replicate: a prediction is created, asked for until it is over, and its files are fetched."""

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from typing import Any, cast
from urllib.parse import quote

from pydantic import Field, field_validator

from ._contract import (
    Failed,
    Finished,
    Followers,
    Input,
    Job,
    Lost,
    Mark,
    News,
    Output,
    Progress,
    Ticket,
    Unknown,
)
from ._failures import clean, moderated, moderation
from ._fields import CardOptions, Made, data_uri, fetched, made, may_exist, results
from ._provider import Provider, ProviderError, ProviderOptions, invalid_answer, poll
from ._replicate.finding import Sought, find
from ._setup import Setup

# What Replicate advises: what is larger is uploaded, and named by its address.
_LARGEST_DATA_URI = 256 * 1000
# An hour after its end Replicate deletes what a prediction was asked: no search can match it any more.
_TAKEN_SECONDS = 7200.0
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
        self.longest_silence = provider.longest_silence
        self._provider = provider
        # Whose a prediction is, by its id: the job's key, and when that was heard (monotonic seconds).
        self._taken: dict[str, tuple[str, float]] = {}

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """Say that the key is missing or the card's options are wrong."""
        try:
            ReplicateCard.read(job_options)
        except ValueError as error:
            return str(error)
        return self._provider.key_problem(required=True)

    def followers(self, mark: Mark) -> Followers:
        """Whoever has a key."""
        return self._provider.followers

    async def prepare(self, job: Job) -> Mark:
        """Check a job and describe the prediction that it is to become. Raises Refused."""
        card, kind = ReplicateCard.of_job(job), made(job)
        return Mark((await Sought.of(job, kind, card, card.model)).model_dump_json())

    async def submit(self, job: Job, mark: Mark) -> Ticket:
        """Upload the media and create a prediction. Raises Refused."""
        card, kind = ReplicateCard.of_job(job), made(job)
        model, _, version = card.model.partition(":")
        try:
            body: dict[str, Any] = {"input": await card.request(job, self._address_of)}
        except ProviderError as error:
            raise error.refused() from error
        path = "/predictions" if version else f"/models/{model}/predictions"
        if version:
            body["version"] = version
        try:
            created = await self._provider.json("POST", path, body=body, text=kind == "text")
            prediction = _text(created.get("id"))
            if not prediction:
                raise invalid_answer(self._provider.who, "a prediction without an id")
        except ProviderError as error:
            # It was paid for if it is there, and asking for it again would be paid once more.
            found = await self.find(mark) if may_exist(error) else None
            if found is None or isinstance(found, Unknown):
                raise error.refused() from error
            return found
        self._take(prediction, job.key)
        return _ticket(kind, prediction, card.output)

    async def find(self, mark: Mark) -> Ticket | Unknown | None:
        """Search the latest predictions for the one that this mark describes."""
        try:
            sought = Sought.model_validate_json(mark)
            found = await find(self._provider, sought, lambda name: self._is_taken(name, sought.key))
        except (ValueError, ProviderError):
            return Unknown()
        if not isinstance(found, str):
            return found
        self._take(found, sought.key)
        return _ticket(sought.kind, found, sought.output)

    def follow(self, ticket: Ticket) -> AsyncGenerator[News]:
        """Ask how a prediction stands; its files are fetched once it has succeeded."""
        return poll(lambda: self._ask(ticket), first=0.5, slowest=3.0)

    async def cancel(self, ticket: Ticket) -> None:
        """Cancel a prediction; one that has ended cannot be, and has been charged for."""
        if known := _parts(ticket):
            # One that is over or gone has to be no trouble: nobody waits for it.
            with suppress(ProviderError):
                path = f"/predictions/{quote(known[1], safe='')}/cancel"
                await self._provider.content("POST", path, seconds=_CANCEL_SECONDS)

    async def close(self) -> None:
        """Let go of the connections; predictions go on at Replicate."""
        await self._provider.close()

    def _take(self, prediction: str, key: str) -> None:
        now = time.monotonic()
        self._taken.pop(prediction, None)
        # The oldest come first.
        while self._taken and now - next(iter(self._taken.values()))[1] >= _TAKEN_SECONDS:
            del self._taken[next(iter(self._taken))]
        self._taken[prediction] = (key, now)

    def _is_taken(self, prediction: str, key: str) -> bool:
        """Whether a prediction is another job's: two may ask for the very same."""
        owner, _ = self._taken.get(prediction, (key, 0.0))
        return owner != key

    async def _address_of(self, medium: Input) -> str:
        if (await asyncio.to_thread(medium.path.stat)).st_size <= _LARGEST_DATA_URI:
            return await asyncio.to_thread(data_uri, medium)
        extension = medium.content_type.partition("/")[2]
        with medium.path.open("rb") as file:
            content = (f"input.{extension}", file, medium.content_type)
            uploaded = await self._provider.json("POST", "/files", files={"content": content})
        urls = uploaded.get("urls")
        address = _text(cast(Mapping[str, Any], urls).get("get")) if isinstance(urls, Mapping) else ""
        if not address:
            raise invalid_answer(self._provider.who, "an uploaded file without an address")
        return address

    async def _ask(self, ticket: Ticket) -> News:
        known = _parts(ticket)
        if known is None:
            return Lost()
        kind, name, output = known
        prediction = await self._provider.json("GET", f"/predictions/{quote(name, safe='')}")
        match prediction.get("status"):
            case "starting" | "queued":
                return Progress(0.0)
            case "processing":
                return Progress(_fraction(prediction.get("logs")), _words(prediction, kind))
            case "succeeded":
                return await self._finished(prediction, kind, output)
            case "failed":
                return self._failure(_text(prediction.get("error")), text=kind == "text")
            case "canceled" | "aborted":
                message = f"{self._provider.who} cancelled this: by hand, or because it took too long there."
                return Failed("GENERATION_CANCELLED", message)
            case status:
                raise invalid_answer(self._provider.who, f"a prediction with the status {str(status)[:40]!r}")

    async def _finished(self, prediction: Mapping[str, Any], kind: Made, output: str) -> Finished | Failed:
        made = prediction.get("output")
        if not made:
            gone = "has deleted what it made" if prediction.get("data_removed") else "made nothing"
            return Failed("GENERATION_NO_RESULT", f"{self._provider.who} {gone}; try again later.")
        addresses = [found for found in results(self._provider, made, output, kind) if found]
        if not addresses:
            return Failed("GENERATION_NO_RESULT", f"{self._provider.who} made nothing; try again later.")
        return Finished(await fetched(self._provider, addresses, kind))

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


def _ticket(kind: Made, prediction: str, output: str) -> Ticket:
    return Ticket(f"{kind}:{prediction}" + (f":{output}" if output else ""))


def _parts(ticket: Ticket) -> tuple[Made, str, str] | None:
    """Return what a prediction makes, its id and the way to its results."""
    kind, _, rest = ticket.partition(":")
    prediction, _, output = rest.partition(":")
    if kind not in ("image", "video", "audio", "text") or not prediction:
        return None
    return kind, prediction, output


def _fraction(logs: Any) -> float:
    """Take the progress from the last bar in the logs; a model may draw several one after the other."""
    bars = _PERCENT.findall(_text(logs)[-20_000:])
    return max(min(int(bars[-1]), 99) / 100 if bars else 0.0, 0.05)


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
