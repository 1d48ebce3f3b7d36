"""What a hosted model is asked with, from a job and its card, and where its answer holds the results."""

import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ._contract import Input, Job, Output, Refused
from ._provider import MediaKind, Provider, ProviderError, all_or_none, invalid_answer

Made = Literal["image", "video", "audio", "text"]

_LONGEST_TEXT = 1_000_000
# Of bytes for base64: a multiple of three, and little enough that other threads get their turn.
_PIECE = 3 << 18


class CheckedOptions(BaseModel):
    """``[options]`` of a card, checked: each engine for a provider adds its fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> Self:
        """Check a card's options. Raises ValueError, saying everything that is wrong."""
        try:
            return cls.model_validate(options)
        except ValidationError as error:
            causes = "; ".join(
                f"{'.'.join(str(part) for part in cause['loc'])}: {cause['msg']}" for cause in error.errors()
            )
            raise ValueError(f"[options] of its card: {causes}") from error

    @classmethod
    def of_job(cls, job: Job) -> Self:
        """Check the options of a job's card. Raises Refused."""
        try:
            return cls.read(job.options)
        except ValueError as error:
            message = f"{job.model_id} cannot be used: {error}. The owner of this server must correct it."
            raise Refused("GENERATION_ENDPOINT_NOT_FOUND", message) from error


class CardOptions(CheckedOptions):
    """What ``[options]`` of a card says of the model's own request.

    ``prompt`` and ``seed`` name the fields that take them; empty means that the model has no such field.
    ``fields`` renames parameters, ``fixed`` holds what is always sent, and ``output`` is the way to the
    results in the answer: names with dots between, as in ``result.images``.
    """

    prompt: str = "prompt"
    seed: str = ""
    fields: dict[str, str] = Field(default_factory=dict)
    fixed: dict[str, Any] = Field(default_factory=dict)
    output: str = ""

    def values(self, job: Job) -> dict[str, Any]:
        """Return the model's own request without its media."""
        asked = dict(self.fixed)
        if self.prompt:
            asked[self.prompt] = job.prompt
        for name, value in job.params.items():
            if name != "seed" and not job.inputs.get(name):
                asked[self.fields.get(name, name)] = value
        if self.seed:
            asked[self.seed] = job.seed
        return asked

    def media(self, job: Job) -> dict[str, tuple[Input, ...]]:
        """Return the media of a request by the fields that take them."""
        return {self.fields.get(name, name): job.inputs[name] for name in job.params if job.inputs.get(name)}

    async def request(self, job: Job, address_of: Callable[[Input], Awaitable[str]]) -> dict[str, Any]:
        """Return the model's own request; ``address_of`` says under which address it gets a medium."""
        asked = self.values(job)
        for name, value in job.params.items():
            addresses = [await address_of(medium) for medium in job.inputs.get(name, ())]
            if addresses:
                asked[self.fields.get(name, name)] = addresses if isinstance(value, list) else addresses[0]
        return asked


def made(job: Job) -> Made:
    """Return what a job's model makes. Raises Refused for what no hosted model's answer is read as."""
    if job.type in ("image", "video", "audio", "text"):
        return job.type
    raise Refused("GENERATION_PROVIDER_NOT_SUPPORTED", f"{job.model_id}: engines here make no {job.type}.")


def data_uri(medium: Input) -> str:
    """Return a file as a data: address. It takes a while: call it in a thread."""
    with medium.path.open("rb") as file:
        pieces = iter(partial(file.read, _PIECE), b"")
        encoded = "".join(base64.b64encode(piece).decode() for piece in pieces)
    return f"data:{medium.content_type};base64,{encoded}"


def results(provider: Provider, answer: Any, path: str, kind: Made) -> list[str | None]:
    """Return the addresses of the results in an answer, or its texts; None for one that it left out.

    A result is an address or an object with an ``url``, alone or in a list. Raises ProviderError.
    """
    for name in path.split(".") if path else []:
        if not isinstance(answer, Mapping) or name not in answer:
            raise invalid_answer(provider.who, f"no {path!r} in its result")
        answer = cast(Mapping[str, Any], answer)[name]
    items = cast(list[Any], answer) if isinstance(answer, list) else [answer]
    if kind == "text":
        if not all(isinstance(item, str) for item in items):
            raise invalid_answer(provider.who, "a result that is not text")
        return ["".join(items)]
    return [_address(provider, item) for item in items]


def _address(provider: Provider, item: Any) -> str | None:
    url = cast(Mapping[str, Any], item).get("url") if isinstance(item, Mapping) else item
    if url is None or isinstance(url, str):
        return url
    raise invalid_answer(provider.who, "a result without an address")


def may_exist(error: ProviderError) -> bool:
    """Whether a request arrived, as far as anybody knows, and just its answer did not."""
    return error.sent and (error.status is None or error.status >= 500)


async def fetched(provider: Provider, addresses: Sequence[str], kind: Made) -> tuple[Output, ...]:
    """Fetch the results, each into a file; a text is there already. Raises ProviderError."""
    if kind == "text":
        return tuple(Output("text/plain", text[:_LONGEST_TEXT]) for text in addresses)
    media: MediaKind = kind
    return await all_or_none(await provider.download(address, media) for address in addresses)
