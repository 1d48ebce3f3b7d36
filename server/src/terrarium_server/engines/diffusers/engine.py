"""The engine of the kind ``diffusers``, as the server sees it."""

from typing import Any, Literal

from pydantic import Field

from terrarium_server.engines.pytorch.engine import LocalEngine
from terrarium_server.engines.pytorch.options import LocalCard, LocalOptions
from terrarium_server.engines.setup import Setup

OPTIONS = LocalOptions


class _Card(LocalCard):
    """``call`` is passed to the pipeline unchanged; sides are rounded to ``multiple`` pixels, if given."""

    task: Literal["text-to-image", "image-to-image", "text-to-video", "image-to-video"] | None = None
    multiple: int | None = Field(default=None, ge=2, le=256)
    call: dict[str, Any] = Field(default_factory=dict[str, Any])


class DiffusersEngine(LocalEngine):
    """Runs a pipeline in the format of diffusers, from a folder or the hub's cache."""

    module = "terrarium_server.engines.diffusers.process"
    libraries = ("torch", "diffusers", "transformers", "accelerate", "safetensors")
    file = "model_index.json"
    card = _Card
    types = ("image", "video")


def build(setup: Setup) -> DiffusersEngine:
    """Build an engine."""
    return DiffusersEngine(setup)
