"""Text from language and vision-language models on this machine, through transformers (extra ``local``)."""

from typing import Any, Literal

from pydantic import Field

from ._local import LocalCard, LocalEngine, LocalOptions
from ._setup import Setup

OPTIONS = LocalOptions


class _Card(LocalCard):
    """``call`` goes to the model's generation as it is."""

    task: Literal["text-generation", "image-to-text"] = "text-generation"
    call: dict[str, Any] = Field(default_factory=dict[str, Any])


class TransformersEngine(LocalEngine):
    """Runs a model as transformers saves it, from a folder or the hub's cache."""

    module = "_transformers_process"
    needs = ("torch", "transformers", "accelerate", "safetensors")
    file = "config.json"
    card = _Card
    types = ("text",)


def build(setup: Setup) -> TransformersEngine:
    """Make the engine for this server."""
    return TransformersEngine(setup)
