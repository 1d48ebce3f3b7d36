"""The check of a request's parameters against those that a model card declares."""

import math
import re
from collections.abc import Generator, Mapping, Set
from typing import Any, cast

from terrarium_server.problems import FieldProblem, InvalidInput

from ._cards import ModelCard, Param, number_text

# Beyond this a double cannot represent every integer, and JSON parsers differ.
_MAX_INTEGER = 2**53 - 1
_MAX_DEPTH = 32
_LONGEST_NAME = 60

# The parameter names that clients use for input media.
_MEDIA = {f"{kind}_{suffix}": kind for kind in ("image", "video", "audio") for suffix in ("url", "urls")}
_LINK = re.compile(r"(?i:https?)://\S+|asset_[^\s/]+|run_[^\s/]+(/(out|output)_[^\s/]+)?")


class _Rejected(Exception):
    pass


def check_params(card: ModelCard, params: Mapping[str, Any], *, prompt: str = "") -> dict[str, Any]:
    """Return the parameters with defaults filled in and aliases resolved.

    Raises InvalidInput naming every parameter that is unknown, missing, of the wrong type or out of
    range, with what would be accepted, and the prompt if it is too long for the model. Unknown parameters
    are never ignored.
    """
    problems: list[FieldProblem] = []
    if len(prompt) > card.max_prompt:
        problems.append(FieldProblem("prompt", f"Must have at most {card.max_prompt:,} characters"))
    declared = {param.name: param for param in card.params}
    problems.extend(_unknown(card, declared.keys(), params))
    checked: dict[str, Any] = {}
    for name, param in declared.items():
        value = params.get(name)
        if value is None:
            if param.required:
                problems.append(FieldProblem(f"params.{name}", "Required"))
            elif param.default is not None:
                checked[name] = param.default
            continue
        try:
            checked[name] = _check(param, value)
        except _Rejected as rejected:
            problems.append(FieldProblem(f"params.{name}", str(rejected)))
    if problems:
        raise InvalidInput(problems)
    return checked


def _unknown(card: ModelCard, declared: Set[str], params: Mapping[str, Any]) -> Generator[FieldProblem]:
    takes = f"{card.id} takes: {', '.join(declared)}" if declared else f"{card.id} takes no parameters"
    # Made once: a request may have a thousand names.
    unknown = f"Unknown parameter; {takes}"
    for name in params:
        if name in declared:
            continue
        shown = name if len(name) <= _LONGEST_NAME and name.isprintable() else "…"
        kind = _MEDIA.get(name)
        if kind is None:
            yield FieldProblem(f"params.{shown}", unknown)
            continue
        same_kind = [param.name for param in card.params if param.media == kind]
        hint = f"Send it as {same_kind[0]}" if same_kind else f"This model takes no {kind}"
        yield FieldProblem(f"params.{shown}", f"{hint}; {takes}")


def _check(param: Param, value: Any) -> Any:
    match param.type:
        case "bool":
            if not isinstance(value, bool):
                raise _Rejected("Must be true or false")
            return value
        case "int" | "int?" | "seed":
            return _option(param, value) if param.options else _integer(param, value)
        case "float":
            return float(_option(param, value)) if param.options else _number(param, value)
        case "string":
            return _option(param, value) if param.options else _text(param, value)
        case "string[]":
            return _texts(param, value)
        case "dict":
            if not isinstance(value, dict):
                raise _Rejected("Must be an object")
            return _check_nested(value)


def _integer(param: Param, value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _Rejected(f"Must be a whole number{_range(param)}")
    _in_range(param, value)
    if abs(value) > _MAX_INTEGER:
        raise _Rejected(f"Must be between {-_MAX_INTEGER} and {_MAX_INTEGER}")
    return value


def _number(param: Param, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Rejected(f"Must be a number{_range(param)}")
    if abs(value) > _MAX_INTEGER or not math.isfinite(value):
        raise _Rejected(f"Must be a finite number{_range(param)}")
    _in_range(param, value)
    return float(value)


def _text(param: Param, value: Any) -> str:
    if not isinstance(value, str):
        raise _Rejected("Must be a string")
    if len(value) > param.max_length:
        raise _Rejected(f"Must have at most {param.max_length:,} characters")
    if param.media is not None and not _LINK.fullmatch(value):
        raise _Rejected(
            f"Must lead to {'an' if param.media[0] in 'ai' else 'a'} {param.media}: an https link,"
            " asset_… or run_…/out_…"
        )
    return _storable(value)


def _texts(param: Param, value: Any) -> list[str]:
    if not isinstance(value, list):
        raise _Rejected("Must be a list of strings")
    items = cast(list[Any], value)
    if len(items) > param.most_items or (param.media is not None and not items):
        accepted = f"1 to {param.most_items} links" if param.media else f"at most {param.most_items} strings"
        raise _Rejected(f"Must have {accepted}")
    return [_text(param, item) for item in items]


def _storable(text: str) -> str:
    if "\x00" in text:
        raise _Rejected("Must not contain NUL characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _Rejected("Must be valid Unicode text") from None
    return text


def _check_nested(value: Any, depth: int = _MAX_DEPTH) -> Any:
    """Check every text and number in a free-form value."""
    if depth == 0:
        raise _Rejected(f"Must not be nested deeper than {_MAX_DEPTH}")
    if isinstance(value, str):
        return _storable(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise _Rejected("Must contain finite numbers only")
    if isinstance(value, int) and abs(value) > _MAX_INTEGER:
        raise _Rejected(f"Must contain numbers between {-_MAX_INTEGER} and {_MAX_INTEGER} only")
    if isinstance(value, dict):
        items = cast(dict[str, Any], value).items()
        return {_storable(key): _check_nested(item, depth - 1) for key, item in items}
    if isinstance(value, list):
        return [_check_nested(item, depth - 1) for item in cast(list[Any], value)]
    return value


def _in_range(param: Param, value: float) -> None:
    if (param.min is not None and value < param.min) or (param.max is not None and value > param.max):
        raise _Rejected(f"Must be{_range(param).removeprefix(',') or ' in range'}")


def _range(param: Param) -> str:
    if param.min is not None and param.max is not None:
        return f", between {param.min:.16g} and {param.max:.16g}"
    if param.min is not None:
        return f", at least {param.min:.16g}"
    return f", at most {param.max:.16g}" if param.max is not None else ""


def _option(param: Param, value: Any) -> Any:
    """Return the value of the option that is meant: by its text, its number, or an alias."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    text = number_text(value) if is_number else value
    for option in param.options:
        if text == option.text or text in option.aliases:
            return option.value
    raise _Rejected(f"Must be one of: {', '.join(option.text for option in param.options)}")
