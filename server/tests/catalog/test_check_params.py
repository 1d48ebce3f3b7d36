"""Parameters are checked against the card: the result satisfies it for any input."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terrarium_server.catalog import ModelCard, Param, check_params, load_cards
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
            {"name": "urls", "type": "string[]", "max_items": 3},
            {"name": "loop", "type": "bool", "default": False},
            {"name": "count", "type": "int", "min": 1, "max": 4, "default": 1},
            {"name": "steps", "type": "int?", "min": 0},
            {"name": "size", "type": "int", "options": [512, 1024]},
            {"name": "seed", "type": "seed", "min": 0, "max": 2**53 - 1},
            {"name": "strength", "type": "float", "min": 0, "max": 1},
            {"name": "speed", "type": "float", "options": [0.5, 1, 2.0]},
            {"name": "quality", "type": "string", "options": ["480p", "720p"]},
            {"name": "length", "type": "string", "options": ["5", "10", {"value": "auto", "label": "A"}]},
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
                assert len(value) <= 3 and all(isinstance(item, str) for item in value)
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
            case "speed":
                assert type(value) is float and value in (0.5, 1.0, 2.0)
            case "quality":
                assert value in ("480p", "720p")
            case "length":
                assert value in ("5", "10", "auto")
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
        "ratio, text, urls, loop, count, steps, size, seed, strength, speed, quality, length, extra",
        "params.ratio": "Must be one of: 1:1, 16:9",
        "params.text": "Must have at most 5 characters",
        "params.urls": "Must be a list of strings",
        "params.loop": "Must be true or false",
        "params.count": "Must be between 1 and 4",
    }


@pytest.mark.parametrize("value", [True, "1", 1.5, math.nan, [1], {}])
def test_a_value_that_is_no_whole_number_is_refused(value: object) -> None:
    assert refused({"count": value}) == {"params.count": "Must be a whole number, between 1 and 4"}


@pytest.mark.parametrize(
    ("name", "value", "chosen"),
    [
        ("size", "512", 512),
        ("size", 512, 512),
        ("size", 512.0, 512),
        ("speed", "0.5", 0.5),
        ("speed", "1", 1.0),
        ("speed", 1, 1.0),
        ("speed", "2", 2.0),
        ("speed", 2, 2.0),
        ("length", "5", "5"),
        ("length", 5, "5"),
        ("length", 10.0, "10"),
        ("quality", "480p", "480p"),
    ],
)
def test_an_option_is_taken_as_text_and_as_a_number(name: str, value: object, chosen: object) -> None:
    checked = check_params(CARD, {name: value})[name]
    assert (checked, type(checked)) == (chosen, type(chosen))


@pytest.mark.parametrize(
    "value", ["513", "512.0", " 512", "five", 513, 512.5, 1e300, math.nan, math.inf, True, [], {}, 10**400]
)
def test_what_is_no_option_is_refused_with_the_options(value: object) -> None:
    assert refused({"size": value}) == {"params.size": "Must be one of: 512, 1024"}


def test_a_prompt_that_is_too_long_for_the_model_is_refused_with_all_other_mistakes() -> None:
    card = CARD.model_copy(update={"max_prompt": 2000})
    assert check_params(card, {}, prompt="x" * 2000) == DEFAULTS
    with pytest.raises(InvalidInput) as caught:
        check_params(card, {"count": 9}, prompt="x" * 2001)
    assert {field.field: field.message for field in caught.value.fields} == {
        "prompt": "Must have at most 2,000 characters",
        "params.count": "Must be between 1 and 4",
    }


def test_a_list_has_as_many_items_as_its_card_says() -> None:
    assert check_params(CARD, {"urls": ["a"] * 3})["urls"] == ["a"] * 3
    assert refused({"urls": ["a"] * 4}) == {"params.urls": "Must have at most 3 strings"}
    pictures = {"name": "image_urls", "type": "string[]", "media": "image", "max_items": 8}
    card = CARD.model_copy(update={"params": (Param.model_validate(pictures),)})
    link = "https://example.com/a.png"
    assert len(check_params(card, {"image_urls": [link] * 8})["image_urls"]) == 8
    for count in (0, 9):
        with pytest.raises(InvalidInput, match="Must have 1 to 8 links"):
            check_params(card, {"image_urls": [link] * count})


@pytest.mark.parametrize("item", [{}, {"media": "image"}])
def test_a_list_without_a_limit_of_its_own_has_one(item: dict[str, str]) -> None:
    param = Param.model_validate({"name": "many", "type": "string[]", **item})
    card = CARD.model_copy(update={"params": (param,)})
    link = "https://example.com/a.png"
    assert len(check_params(card, {"many": [link] * param.most_items})["many"]) == param.most_items
    with pytest.raises(InvalidInput, match=str(param.most_items)):
        check_params(card, {"many": [link] * (param.most_items + 1)})


def test_every_text_has_a_limit() -> None:
    param = Param.model_validate({"name": "text", "type": "string"})
    card = CARD.model_copy(update={"params": (param,)})
    assert len(check_params(card, {"text": "x" * 20_000})["text"]) == 20_000
    with pytest.raises(InvalidInput, match="at most 20,000 characters"):
        check_params(card, {"text": "x" * 20_001})


def test_a_hundred_thousand_unknown_names_share_their_messages() -> None:
    with pytest.raises(InvalidInput) as caught:
        check_params(CARD, dict.fromkeys(map(str, range(100_000))))
    assert len(caught.value.fields) == 100_000
    assert len({id(field.message) for field in caught.value.fields}) == 1


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
            accepted = [
                spelling
                for option in param.options
                for spelling in (option.value, option.text, *option.aliases)
            ]
            params[param.name] = data.draw(st.sampled_from(accepted))
        elif param.media is not None and param.required:
            link = "https://example.com/medium"
            params[param.name] = link if param.type == "string" else [link]
        elif param.type in ("int", "seed"):
            assert param.min is not None and param.max is not None
            params[param.name] = data.draw(st.integers(int(param.min), int(param.max)))
    assert set(check_params(card, params)) >= set(params)
