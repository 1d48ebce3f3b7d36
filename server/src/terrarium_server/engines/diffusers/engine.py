"""Pictures and films from diffusion models on this machine, through diffusers (extra ``local``)."""

from typing import Any, Literal

from pydantic import Field

from ._local import LocalCard, LocalEngine, LocalOptions
from ._setup import Setup

OPTIONS = LocalOptions


class _Card(LocalCard):
    """``call`` goes to the pipeline as it is; ``multiple`` overrides what sides are rounded to, in pixels."""

    task: Literal["text-to-image", "image-to-image", "text-to-video", "image-to-video"] | None = None
    multiple: int | None = Field(default=None, ge=2, le=256)
    call: dict[str, Any] = Field(default_factory=dict[str, Any])


class DiffusersEngine(LocalEngine):
    """Runs a pipeline as diffusers saves it, from a folder or the hub's cache."""

    module = "_diffusers_process"
    needs = ("torch", "diffusers", "transformers", "accelerate", "safetensors")
    file = "model_index.json"
    card = _Card
    types = ("image", "video")


def build(setup: Setup) -> DiffusersEngine:
    """Make the engine for this server."""
    return DiffusersEngine(setup)
