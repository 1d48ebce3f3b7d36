"""Published ids stand for models of this server: exact ids and patterns, and which of them is used."""

import pytest

from terrarium_server.catalog import Catalog, ModelCard
from terrarium_server.problems import InvalidInput


def card(id: str, type: str) -> ModelCard:
    fields = {"id": id, "name": id, "type": type, "provider": "me", "engine": "rehearsal"}
    return ModelCard.model_validate({**fields, "description": "x", "estimated_seconds": 1})


CARDS = [
    card("t2i-mine", "image"),
    card("i2i-mine", "image"),
    card("t2t-mine", "text"),
    card("t2i-card", "image"),
]
ALIASES = {
    "*": "t2t-mine",
    "t2i-*": "t2i-mine",
    "t2i-flux-2-pro": "i2i-mine",
    "t2i-flux-*": "i2i-mine",
    "*-pro-*-max": "t2i-mine",
    "*flux*": "t2t-mine",
}
CATALOG = Catalog(CARDS, aliases=ALIASES)


@pytest.mark.parametrize(
    ("type", "asked", "model"),
    [
        # An exact id.
        ("image", "t2i-flux-2-pro", "i2i-mine"),
        # A card comes before patterns.
        ("image", "t2i-card", "t2i-card"),
        # The pattern with the most characters.
        ("image", "t2i-flux-1", "i2i-mine"),
        ("image", "t2i-flux-", "i2i-mine"),
        ("image", "t2i-other", "t2i-mine"),
        ("image", "x-pro-2-max", "t2i-mine"),
        # The best pattern whose model makes the type.
        ("text", "t2i-flux-1", "t2t-mine"),
        ("text", "t2i-other", "t2t-mine"),
        ("text", "anything/at all?", "t2t-mine"),
    ],
)
def test_the_model_that_stands_for_an_id(type: str, asked: str, model: str) -> None:
    assert CATALOG.choose(type, asked).id == model


@pytest.mark.parametrize(
    ("type", "asked", "problem"),
    [
        # The parts on both sides of a star do not overlap.
        ("image", "x-pro-max", "Unknown model; models of type image: "),
        ("image", "flux", "Unknown model; models of type image: "),
        ("image", "t2x-flux-2-pro", "Unknown model; models of type image: "),
        # An exact id of another type is not replaced by a pattern.
        ("text", "t2i-flux-2-pro", "i2i-mine makes image; models of type text: "),
        ("text", "t2i-card", "t2i-card makes image; models of type text: "),
    ],
)
def test_an_id_that_no_model_stands_for_is_refused(type: str, asked: str, problem: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        CATALOG.choose(type, asked)
    assert caught.value.fields[0].message.startswith(problem)


@pytest.mark.parametrize(
    ("patterns", "model"),
    [
        ({"a*": "t2i-mine", "*b": "i2i-mine"}, "t2i-mine"),
        ({"*b": "i2i-mine", "a*": "t2i-mine"}, "i2i-mine"),
        ({"a**": "t2i-mine", "ab*": "i2i-mine"}, "i2i-mine"),
        ({"a[bc]*": "i2i-mine", "a?*": "i2i-mine", "*": "t2i-mine"}, "t2i-mine"),
    ],
)
def test_of_equal_patterns_the_first_is_used_and_only_the_star_is_special(
    patterns: dict[str, str], model: str
) -> None:
    assert Catalog(CARDS, aliases=patterns).choose("image", "ab").id == model


def test_an_exact_id_hides_the_card_of_this_id() -> None:
    catalog = Catalog(CARDS, aliases={"t2i-card": "t2i-mine"})
    assert catalog.choose("image", "t2i-card").id == "t2i-mine"
    assert [each.id for each in catalog.cards("image")] == ["i2i-mine", "t2i-mine"]
    assert [each.id for each in catalog.available()] == ["i2i-mine", "t2i-mine", "t2t-mine"]
    # Recorded runs may name it.
    hidden = catalog.get("t2i-card")
    assert hidden is not None and hidden.id == "t2i-card"


def test_a_model_that_cannot_be_used_is_refused_by_its_own_id() -> None:
    problems = {"t2i-mine": "its server does not answer"}
    catalog = Catalog(CARDS, aliases={"t2i-flux-*": "t2i-mine"}, problems=lambda: problems)
    with pytest.raises(InvalidInput) as caught:
        catalog.choose("image", "t2i-flux-1")
    assert caught.value.message == "model: t2i-mine cannot be used here now: its server does not answer"


def test_a_model_knows_what_it_stands_for() -> None:
    texts = {each.id: CATALOG.aliases_of(each) for each in CARDS}
    assert texts == {
        "t2i-mine": ["t2i-*", "*-pro-*-max"],
        "i2i-mine": ["t2i-flux-2-pro", "t2i-flux-*"],
        "t2t-mine": ["*", "*flux*"],
        "t2i-card": [],
    }


def test_a_pattern_stands_for_no_id_that_is_too_long_to_be_one() -> None:
    assert CATALOG.choose("image", "t2i-" + "a" * 196).id == "t2i-mine"
    with pytest.raises(InvalidInput, match="Unknown model"):
        CATALOG.choose("image", "t2i-" + "a" * 197)


@pytest.mark.parametrize("end", ["\n", "\x1b[31m", "\u200b"])
def test_a_pattern_stands_for_no_id_that_cannot_be_shown(end: str) -> None:
    with pytest.raises(InvalidInput, match="Unknown model"):
        CATALOG.choose("image", f"t2i-{end}")


def test_a_pattern_of_many_stars_is_compared_without_trying_all_combinations() -> None:
    catalog = Catalog(CARDS, aliases={"*a" * 60 + "b": "t2i-mine"})
    with pytest.raises(InvalidInput, match="Unknown model"):
        catalog.choose("image", "a" * 200)
