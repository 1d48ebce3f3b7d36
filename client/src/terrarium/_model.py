"""The base of every response model, and how JSON becomes one."""

from contextlib import suppress
from types import UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

T = TypeVar("T")

# An unknown value comes from a newer server and is kept. A missing field or another structure means that this
# is not the response to this call, and is an error.
_STRUCTURAL = {"missing", "model_type", "model_attributes_type", "list_type", "dict_type"}


class FloraModel(BaseModel):
    """A response. Fields that are unknown to this version are kept and can be read as attributes."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    def to_dict(self) -> dict[str, Any]:
        """The fields the server sent, as plain values."""
        return self.model_dump(mode="json", exclude_unset=True, warnings=False)

    def to_json(self, *, indent: int | None = 2) -> str:
        """The fields the server sent, as JSON."""
        return self.model_dump_json(indent=indent, exclude_unset=True, warnings=False)


def decode(shape: type[T], value: Any) -> T:
    """Turn parsed JSON into ``shape``.

    Values outside the published enums are kept, so that a newer server does not break an older client. A
    missing required field or a wrong structure raises ``pydantic.ValidationError``. Of several possible
    shapes, the first one that has all its required fields is used.
    """
    if is_anything(shape):
        return value
    if get_origin(shape) in (Union, UnionType):
        *others, last = get_args(shape)
        for other in others:
            with suppress(ValidationError):
                return decode(other, value)
        return decode(last, value)
    try:
        return TypeAdapter(shape).validate_python(value)
    except ValidationError as invalid:
        if any(error["type"] in _STRUCTURAL for error in invalid.errors(include_input=False)):
            raise
        return _construct(shape, value)


def is_anything(shape: object) -> bool:
    """Whether ``shape`` means the JSON as it is."""
    return shape is object or shape is Any


def _construct(shape: Any, value: Any) -> Any:
    origin, args = get_origin(shape), get_args(shape)
    if origin in (Union, UnionType):
        # Our unions are "this or null", so the first member that is not null is the one to build.
        members = [arg for arg in args if arg is not type(None)]
        return _construct(members[0], value) if members and value is not None else value
    if origin is list and isinstance(value, list):
        return [_construct(args[0], item) for item in cast("list[Any]", value)]
    if isinstance(shape, type) and issubclass(shape, BaseModel) and isinstance(value, dict):
        declared = shape.model_fields
        fields = {
            name: _construct(declared[name].annotation, item) if name in declared else item
            for name, item in cast("dict[str, Any]", value).items()
        }
        return shape.model_construct(**fields)
    return value
