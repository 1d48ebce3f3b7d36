"""A card's ``[options]``, and the request that a job becomes."""

import json
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, BinaryIO, Literal, Self

from pydantic import Field

from terrarium_server.engines import Input, Job, Refused
from terrarium_server.engines.setup import CardOptions
from terrarium_server.engines.sizes import area_of, ratio_of, size_of_area

Endpoint = Literal["chat", "images", "speech", "videos"]
# As httpx has it: a name, the bytes, a media type.
FormFile = tuple[str, BinaryIO, str]

# What each endpoint makes.
ENDPOINTS: dict[Endpoint, str] = {"chat": "text", "images": "image", "speech": "audio", "videos": "video"}

# The API's names of our parameters, where they differ.
_FIELDS: dict[Endpoint, dict[str, str]] = {
    "chat": {},
    "images": {"num_images": "n"},
    "speech": {"format": "response_format"},
    "videos": {"duration": "seconds"},
}
# Servers differ in how large a seed may be; all accept this many bits.
_SEED_BITS = 31


class OpenAICard(CardOptions):
    """What ``[options]`` of a card says.

    ``model`` is the provider's name for it. ``fields`` renames parameters ("" omits one), ``fixed`` is always
    sent. ``sizes`` has the ``size`` for each ``aspect_ratio``, or for an aspect ratio and a resolution with a
    space between; without it, the size is computed.
    """

    endpoint: Endpoint
    model: str = Field(min_length=1)
    fields: dict[str, str] = Field(default_factory=dict)
    fixed: dict[str, Any] = Field(default_factory=dict)
    sizes: dict[str, str] = Field(default_factory=dict)

    @classmethod
    def of_job(cls, job: Job) -> Self:
        """Check the options of a job's card, and that its endpoint makes the job's type. Raises Refused."""
        card = super().of_job(job)
        if ENDPOINTS[card.endpoint] != job.type:
            message = f"{job.model_id} makes {ENDPOINTS[card.endpoint]}, not {job.type}."
            raise Refused("GENERATION_PROVIDER_NOT_SUPPORTED", message)
        return card

    def body(self, job: Job, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return all fields but prompt, media and the parameters in ``without``. Raises Refused."""
        body: dict[str, Any] = {"model": self.model}
        left_out = {"seed", *job.inputs, *without}
        if self.endpoint in ("images", "videos") and "aspect_ratio" not in self.fields:
            left_out |= {"aspect_ratio", "resolution"}
            if "aspect_ratio" in job.params:
                body["size"] = self._size(job)
        for name, value in job.params.items():
            if name not in left_out:
                self._set(body, name, value)
        if "seed" in job.params or "seed" in self.fields:
            self._set(body, "seed", job.seed % (1 << _SEED_BITS))
        if "seconds" in body:
            body["seconds"] = str(body["seconds"])
        return body | self.fixed

    def _set(self, body: dict[str, Any], name: str, value: Any) -> None:
        if field := self.fields.get(name, _FIELDS[self.endpoint].get(name, name)):
            body[field] = value

    def _size(self, job: Job) -> str:
        ratio, resolution = str(job.params["aspect_ratio"]), str(job.params.get("resolution", ""))
        if self.sizes:
            size = self.sizes.get(f"{ratio} {resolution}") or self.sizes.get(ratio)
            if size is None:
                message = f"aspect_ratio {ratio} {resolution} is not among: {', '.join(self.sizes)}."
                raise Refused("GENERATION_INVALID_PARAMS", message.replace("  ", " "))
            return size
        try:
            # Diffusion models work in blocks of at most 16 pixels.
            width, height = size_of_area(area_of(resolution or "1k"), ratio_of(ratio), step=16)
        except ValueError as error:
            message = (
                f"{ratio} at {resolution} has no size; the card of {job.model_id} needs [options.sizes]."
            )
            raise Refused("GENERATION_INVALID_PARAMS", message) from error
        return f"{width}x{height}"


def form(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request's fields as those of a form, which can only contain texts."""
    return {
        name: json.dumps(value) if isinstance(value, dict | list) else value for name, value in body.items()
    }


def file_of(medium: Input, opened: ExitStack) -> FormFile:
    """Return a medium as a file of a form, to be read while it is sent; ``opened`` closes it."""
    extension = medium.content_type.partition("/")[2].partition("+")[0]
    file = opened.enter_context(medium.path.open("rb"))
    return f"{medium.path.stem}.{extension}", file, medium.content_type
