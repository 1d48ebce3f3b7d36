"""Parameters are checked against the card: the result satisfies it for any input."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terrarium_server.catalog import ModelCard, check_params, load_cards
from terrarium_server.problems import InvalidInput

RATIO = {"value": "16:9", "label": "wide", "aliases": ["landscape_16_9"]}
CARD = ModelCard.model_validate(
    {
        "id": "t2i-all",
        "name": "All",
        "type": "image",
        "provider": "tests",
        "description": "A parameter of every type.",
        "engine": "rehearsal",
        "estimated_seconds": 1,
        "params": [
            {"name": "ratio", "type": "string", "options": ["1:1", RATIO], "default": "1:1"},
            {"name": "text", "type": "string", "max_length": 5},
            {"name": "urls", "type": "string[]"},
            {"name": "loop", "type": "bool", "default": False},
            {"name": "count", "type": "int", "min": 1, "max": 4, "default": 1},
            {"name": "steps", "type": "int?", "min": 0},
            {"name": "size", "type": "int", "options": [512, 1024]},
            {"name": "seed", "type": "seed", "min": 0, "max": 2**53 - 1},
            {"name": "strength", "type": "float", "min": 0, "max": 1},
            {"name": "extra", "type": "dict"},
        ],
    }
)
DEFAULTS = {"ratio": "1:1", "loop": False, "count": 1}

texts = st.text(st.characters(exclude_categories=()), max_size=8)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=12,
)
names = st.sampled_from([param.name for param in CARD.params]) | texts
near_misses = st.sampled_from(
    [
        "16:9",
        "landscape_16_9",
        512,
        512.0,
        1,
        1.0,
        4,
        5,
        0,
        -1,
        0.5,
        2**53,
        math.inf,
        True,
        ["a"],
        {"a": 1},
        "x",
    ]
)


@settings(max_examples=400)
@given(st.dictionaries(names, anything | near_misses, max_size=6))
def test_any_parameters_are_accepted_as_declared_or_refused(params: dict[str, Any]) -> None:
    try:
        checked = check_params(CARD, params)
    except InvalidInput as refused:
        assert {field.field.partition(".")[0] for field in refused.fields} == {"params"}
        assert all(field.message for field in refused.fields)
        return
    assert_satisfied(checked)
    assert set(checked) == {*DEFAULTS, *(name for name, value in params.items() if value is not None)}
    # Checked parameters pass again unchanged, and can be stored as JSON.
    assert check_params(CARD, checked) == checked
    assert json.loads(json.dumps(checked, allow_nan=False).encode()) == checked


def assert_satisfied(checked: dict[str, Any]) -> None:
    for name, value in checked.items():
        match name:
            case "ratio":
                assert value in ("1:1", "16:9")
            case "text":
                assert isinstance(value, str) and len(value) <= 5 and "\0" not in value
            case "urls":
                assert all(isinstance(item, str) for item in value)
            case "loop":
                assert isinstance(value, bool)
            case "count":
                assert type(value) is int and 1 <= value <= 4
            case "steps":
                assert type(value) is int and 0 <= value < 2**53
            case "size":
                assert type(value) is int and value in (512, 1024)
            case "seed":
                assert type(value) is int and 0 <= value < 2**53
            case "strength":
                assert type(value) is float and 0 <= value <= 1
            case _:
                assert name == "extra" and isinstance(value, dict)


def refused(params: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(InvalidInput) as caught:
        check_params(CARD, params)
    return {field.field: field.message for field in caught.value.fields}


def test_defaults_are_filled_in() -> None:
    assert check_params(CARD, {}) == DEFAULTS
    assert check_params(CARD, {"count": None, "seed": None}) == DEFAULTS


def test_an_alias_is_resolved() -> None:
    assert check_params(CARD, {"ratio": "landscape_16_9"})["ratio"] == "16:9"


@pytest.mark.parametrize("whole", [2, 2.0])
def test_a_whole_float_is_an_integer(whole: float) -> None:
    assert type(check_params(CARD, {"count": whole})["count"]) is int


def test_every_wrong_parameter_is_named_with_what_is_accepted() -> None:
    assert refused(
        {"count": 5, "ratio": "7:1", "loop": 1, "urls": "x", "colour": "red", "text": "longer"}
    ) == {
        "params.colour": "Unknown parameter; t2i-all takes: "
        "ratio, text, urls, loop, count, steps, size, seed, strength, extra",
        "params.ratio": "Must be one of: 1:1, 16:9",
        "params.text": "Must have at most 5 characters",
        "params.urls": "Must be a list of strings",
        "params.loop": "Must be true or false",
        "params.count": "Must be between 1 and 4",
    }


@pytest.mark.parametrize("value", [True, "1", 1.5, math.nan, [1], {}])
def test_a_value_that_is_no_whole_number_is_refused(value: object) -> None:
    assert refused({"count": value}) == {"params.count": "Must be a whole number, between 1 and 4"}


@pytest.mark.parametrize("depth", [1, 5, 100, 2_000])
def test_a_deep_object_is_accepted_unchanged_or_refused(depth: int) -> None:
    nested: Any = 1
    for _ in range(depth):
        nested = {"a": nested}
    params = {"extra": {"a": nested}}
    if depth < 20:
        assert check_params(CARD, params)["extra"] == params["extra"]
    else:
        assert set(refused(params)) == {"params.extra"}


def test_a_missing_required_parameter_is_refused() -> None:
    card = CARD.model_copy(update={"params": (CARD.params[0].model_copy(update={"required": True}),)})
    with pytest.raises(InvalidInput) as caught:
        check_params(card, {"ratio": None})
    assert caught.value.message == "params.ratio: Required"


@pytest.mark.parametrize("card", load_cards(), ids=lambda card: card.id)
@settings(max_examples=15)
@given(data=st.data())
def test_the_installed_cards_accept_every_value_they_declare(card: ModelCard, data: st.DataObject) -> None:
    params: dict[str, Any] = {}
    for param in card.params:
        if param.options:
            accepted = [spelling for option in param.options for spelling in (option.value, *option.aliases)]
            params[param.name] = data.draw(st.sampled_from(accepted))
        elif param.media is not None and param.required:
            link = "https://example.com/medium"
            params[param.name] = link if param.type == "string" else [link]
        elif param.type in ("int", "seed"):
            assert param.min is not None and param.max is not None
            params[param.name] = data.draw(st.integers(int(param.min), int(param.max)))
    assert set(check_params(card, params)) >= set(params)
