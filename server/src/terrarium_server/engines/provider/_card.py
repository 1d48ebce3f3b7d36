"""A card's ``[options]`` for a hosted model, and the model's own request that a job becomes."""

import base64
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Literal

from pydantic import Field

from terrarium_server.engines import Input, Job, Refused
from terrarium_server.engines.setup import CardOptions

OutputType = Literal["image", "video", "audio", "text"]

# Bytes that are encoded at once: a multiple of three, and few enough not to starve other threads.
_PIECE = 3 << 18


class RequestOptions(CardOptions):
    """What ``[options]`` of a card says about the model's own request.

    ``prompt`` and ``seed`` name the fields for them; empty means that the model has no such field.
    ``fields`` renames parameters, ``fixed`` is always sent, and ``output`` is the path to the results in the
    answer: names with dots between, as in ``result.images``.
    """

    prompt: str = "prompt"
    seed: str = ""
    fields: dict[str, str] = Field(default_factory=dict)
    fixed: dict[str, Any] = Field(default_factory=dict)
    output: str = ""

    def values(self, job: Job) -> dict[str, Any]:
        """Return the model's own request without its media."""
        body = dict(self.fixed)
        if self.prompt:
            body[self.prompt] = job.prompt
        for name, value in job.params.items():
            if name != "seed" and not job.inputs.get(name):
                body[self.fields.get(name, name)] = value
        if self.seed:
            body[self.seed] = job.seed
        return body

    def media(self, job: Job) -> dict[str, tuple[Input, ...]]:
        """Return the media of a request by the names of their fields."""
        return {self.fields.get(name, name): job.inputs[name] for name in job.params if job.inputs.get(name)}

    async def request(self, job: Job, address_of: Callable[[Input], Awaitable[str]]) -> dict[str, Any]:
        """Return the model's own request; ``address_of`` returns the address that is sent for a medium."""
        body = self.values(job)
        for name, value in job.params.items():
            addresses = [await address_of(medium) for medium in job.inputs.get(name, ())]
            if addresses:
                body[self.fields.get(name, name)] = addresses if isinstance(value, list) else addresses[0]
        return body


def checked_type(text: str) -> OutputType:
    """Return a text that is the type of an output. Raises ValueError for any other text."""
    if text in ("image", "video", "audio", "text"):
        return text
    raise ValueError(f"no type of output: {text}")


def output_type(job: Job) -> OutputType:
    """Return what a job's model makes. Raises Refused for a type that these engines cannot fetch."""
    try:
        return checked_type(job.type)
    except ValueError as error:
        message = f"{job.model_id}: this engine makes no {job.type}."
        raise Refused("GENERATION_PROVIDER_NOT_SUPPORTED", message) from error


def data_uri(medium: Input) -> str:
    """Return a file as a ``data:`` address. It takes a while: call it in a thread."""
    with medium.path.open("rb") as file:
        pieces = iter(partial(file.read, _PIECE), b"")
        encoded = "".join(base64.b64encode(piece).decode() for piece in pieces)
    return f"data:{medium.content_type};base64,{encoded}"
