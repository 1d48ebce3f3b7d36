"""The engine of the kind ``transformers``, as the server sees it."""

from typing import Any, Literal

from pydantic import Field

from terrarium_server.engines.pytorch.engine import LocalEngine
from terrarium_server.engines.pytorch.options import LocalCard, LocalOptions
from terrarium_server.engines.setup import Setup

OPTIONS = LocalOptions


class _Card(LocalCard):
    """``call`` is passed to the model's ``generate`` unchanged."""

    task: Literal["text-generation", "image-to-text"] = "text-generation"
    call: dict[str, Any] = Field(default_factory=dict[str, Any])


class TransformersEngine(LocalEngine):
    """Runs a model in the format of transformers, from a folder or the hub's cache."""

    module = "terrarium_server.engines.transformers.process"
    libraries = ("torch", "transformers", "accelerate", "safetensors")
    file = "config.json"
    card = _Card
    types = ("text",)


def build(setup: Setup) -> TransformersEngine:
    """Build an engine."""
    return TransformersEngine(setup)
