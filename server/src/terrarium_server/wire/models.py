"""The model catalogue."""

from typing import Annotated, Any, Literal

from pydantic import Field

from ._shapes import GenerationType, LeftOut, Wire

ParamType = Literal["string", "string[]", "bool", "int", "int?", "seed", "float", "dict"]


class ParamOption(Wire):
    """One accepted value. A number is written as text; a start takes the text and the number."""

    value: str
    label: str
    description: Annotated[str | None, LeftOut] = None


class ParamProperty(Wire):
    """Bounds of one key of a ``dict`` parameter."""

    min: float
    max: float
    default: float


class ModelParam(Wire):
    """One parameter a model accepts. ``max`` of a ``string[]`` is the most strings in it."""

    name: str
    type: ParamType
    required: bool
    default: Annotated[Any | None, LeftOut] = None
    min: Annotated[float | None, LeftOut] = None
    max: Annotated[float | None, LeftOut] = None
    label: Annotated[str | None, LeftOut] = None
    description: Annotated[str | None, LeftOut] = None
    options: Annotated[list[ParamOption] | None, LeftOut] = None
    properties: Annotated[dict[str, ParamProperty] | None, LeftOut] = None


class Model(Wire):
    """A model as ``GET /models`` lists it. One credit is 0.001 USD."""

    model_id: Annotated[str, Field(min_length=1)]
    name: str
    type: GenerationType
    provider: str
    description: Annotated[str | None, LeftOut] = None
    capabilities: list[str]
    estimated_credits: Annotated[int, Field(ge=0)]
    estimated_seconds: Annotated[int, Field(ge=0)]
    params: list[ModelParam]
    beta: Annotated[bool | None, LeftOut] = None
    # Ours: the published ids and patterns that the owner has this model stand for.
    aliases: Annotated[list[str] | None, LeftOut] = None
    # Ours, only in the list with `all=true`: why the model cannot be used now, and what to do.
    unavailable: Annotated[str | None, LeftOut] = None


class ModelList(Wire):
    """All models, or those of one type."""

    models: list[Model]
