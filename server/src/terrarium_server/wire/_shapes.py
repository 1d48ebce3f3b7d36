"""What all wire shapes share."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

GenerationType = Literal["image", "video", "audio", "text"]
# Databases refuse long values in indexes, and long patterns in searches. Our identifiers are shorter.
_LONGEST_ID = 100
_LONGEST_NAME = 1_000
# Each unknown field costs an error, and a body may have a hundred thousand.
_MOST_FIELDS = 1_000


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("Must not contain NUL characters")
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("Must not be blank")
    return text


def _at_most(length: int) -> AfterValidator:
    def check(value: str) -> str:
        if len(value) > length:
            raise ValueError(f"Must have at most {length} characters")
        return value

    return AfterValidator(check)


def _prefixed(prefix: str) -> AfterValidator:
    def check(value: str) -> str:
        if not value.startswith(prefix) or len(value) == len(prefix) or value.split() != [value]:
            raise ValueError(f"Must start with {prefix}")
        return value

    return AfterValidator(check)


def _few(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    if len(fields) > _MOST_FIELDS:
        raise ValueError(f"Must have at most {_MOST_FIELDS:,} fields, not {len(fields):,}")
    return fields


# An object whose keys are checked elsewhere.
Fields = Annotated[dict[str, Any], AfterValidator(_few)]
FilledText = Annotated[str, StringConstraints(min_length=1), AfterValidator(_storable)]
Name = Annotated[FilledText, AfterValidator(_not_blank), _at_most(_LONGEST_NAME)]
NamePart = Annotated[str, AfterValidator(_storable), _at_most(_LONGEST_NAME)]
_Id = Annotated[FilledText, _at_most(_LONGEST_ID)]
WorkspaceId = Annotated[_Id, _prefixed("ws_")]
ProjectId = Annotated[_Id, _prefixed("prj_")]
RunId = Annotated[_Id, _prefixed("run_")]


def _is_none(value: object) -> bool:
    return value is None


# For optional fields that FLORA never sends as null: without a value they are left out.
LeftOut = Field(exclude_if=_is_none)


class Wire(BaseModel):
    """A response: exactly the named fields."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())


class Body(BaseModel):
    """A request body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    @model_validator(mode="before")
    @classmethod
    def _bound(cls, fields: object) -> object:
        return _few(cast("Mapping[str, Any]", fields)) if isinstance(fields, Mapping) else fields


class PageMeta(Wire):
    """Where the next page starts; ``next_cursor`` is null on the last one."""

    next_cursor: str | None
