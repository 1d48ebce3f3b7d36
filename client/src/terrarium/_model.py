"""The base of every response model, and how JSON becomes one."""

from types import UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

T = TypeVar("T")

# Told apart because they have different remedies: a value we have not heard of is a newer server, an absent
# field or another structure is not the answer to this call at all.
_STRUCTURAL = {"missing", "model_type", "model_attributes_type", "list_type", "dict_type"}


class FloraModel(BaseModel):
    """A response. Fields that this version does not know are kept and can be read as attributes."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    def to_dict(self) -> dict[str, Any]:
        """The fields the server sent, as plain values."""
        return self.model_dump(mode="json", exclude_unset=True, warnings=False)

    def to_json(self, *, indent: int | None = 2) -> str:
        """The fields the server sent, as JSON."""
        return self.model_dump_json(indent=indent, exclude_unset=True, warnings=False)


def decode(shape: type[T], value: Any) -> T:
    """Turn parsed JSON into ``shape``.

    Values outside the published enums are kept as they are, so that a newer server does not break an older
    client. Absent required fields and wrong structures raise ``pydantic.ValidationError``.
    """
    if is_anything(shape):
        return value
    try:
        return TypeAdapter(shape).validate_python(value)
    except ValidationError as refused:
        if any(error["type"] in _STRUCTURAL for error in refused.errors(include_input=False)):
            raise
        return _construct(shape, value)


def is_anything(shape: object) -> bool:
    """Whether ``shape`` asks for the JSON as it is."""
    return shape is object or shape is Any


def _construct(shape: Any, value: Any) -> Any:
    origin, args = get_origin(shape), get_args(shape)
    if origin in (Union, UnionType):
        # Our unions are "this or null", so the first member with a structure is the one meant.
        structured = [arg for arg in args if arg is not type(None)]
        return _construct(structured[0], value) if structured and value is not None else value
    if origin is list and isinstance(value, list):
        return [_construct(args[0], item) for item in cast("list[Any]", value)]
    if isinstance(shape, type) and issubclass(shape, BaseModel) and isinstance(value, dict):
        known = shape.model_fields
        fields = {
            name: _construct(known[name].annotation, item) if name in known else item
            for name, item in cast("dict[str, Any]", value).items()
        }
        return shape.model_construct(**fields)
    return value
