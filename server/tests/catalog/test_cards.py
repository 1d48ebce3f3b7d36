"""Cards are read from TOML; the error of a wrong one names the file, the field and the remedy."""

from pathlib import Path

import pytest

from terrarium_server.catalog import CardError, Catalog, ModelCard, load_cards
from terrarium_server.problems import InvalidInput

CARD = """
id = "t2i-mine"
name = "Mine"
type = "image"
provider = "me"
engine = "rehearsal"
description = "A card for tests."
estimated_seconds = 3

[price]
usd = 0.004
"""


PARAM = 'usd = 1\n[[params]]\nname = "many"\n'


def test_the_shipped_cards_have_a_default_for_image_and_text() -> None:
    catalog = Catalog(load_cards(), defaults={"image": "t2i-sketch", "text": "t2t-sketch"})
    assert catalog.choose("image", None).id == "t2i-sketch"
    assert catalog.choose("text", None).id == "t2t-sketch"
    for card in catalog.available():
        assert card.estimated_seconds >= 0 and card.description


def test_the_owners_cards_are_added_and_win(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(CARD)
    (tmp_path / "ours.toml").write_text(CARD.replace("t2i-mine", "t2i-sketch"))
    catalog = Catalog(load_cards(tmp_path))
    assert catalog.choose("image", "t2i-mine").name == "Mine"
    assert catalog.choose("image", "t2i-sketch").name == "Mine"
    assert {"t2i-mine", "t2i-sketch"} <= {card.id for card in catalog.available("image")}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (("name =", "nom ="), "name: Field required; nom: unknown"),
        (('type = "image"', 'type = "smell"'), "type: Input should be"),
        (("usd = 0.004", "usd = -1"), "price.usd: Input should be greater"),
        (("usd = 0.004", 'usd = 0.004\ntimes = "count"'), "price.times must name an int parameter"),
        (('"t2i-mine"', '"T2I mine"'), "id: String should match"),
        (("estimated_seconds = 3", "estimated_seconds ="), "not valid TOML"),
        (("estimated_seconds = 3", f"estimated_seconds = {'[' * 5000}"), "not valid TOML"),
        (("estimated_seconds = 3", f"estimated_seconds = {10**20}"), "estimated_seconds: "),
        (("estimated_seconds = 3", "estimated_seconds = 3\nmax_prompt = 0"), "max_prompt: "),
        (("usd = 0.004", PARAM + 'type = "string"\nmax_items = 2'), "max_items must be of type string[]"),
        (("usd = 0.004", PARAM + 'type = "string[]"\nmax_items = 0'), "params.0.max_items: "),
        (
            ("usd = 0.004", PARAM + 'type = "string[]"\nmedia = "image"\nmax_items = 17'),
            "max_items of a parameter with media must be at most 16",
        ),
    ],
)
def test_a_wrong_card_is_refused_with_its_mistakes(
    tmp_path: Path, change: tuple[str, str], named: str
) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(CARD.replace(*change))
    with pytest.raises(CardError) as caught:
        load_cards(tmp_path)
    assert str(caught.value).startswith(f"{path}: ")
    assert named in str(caught.value)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CardError, match="TERRARIUM_CARDS_DIR"):
        load_cards(tmp_path / "none")


def card(**changes: object) -> ModelCard:
    fields = {"id": "t2i-mine", "name": "Mine", "type": "image", "provider": "me", "engine": "rehearsal"}
    return ModelCard.model_validate({**fields, "description": "x", "estimated_seconds": 1, **changes})


@pytest.mark.parametrize(
    ("usd", "scale", "count", "micros"),
    [
        (0.004, 1.0, 1, 4_000),
        (0.004, 1.0, 3, 12_000),
        (0.004, 0.0, 4, 0),
        (0.004, 2.5, 2, 20_000),
        (0.0000001, 1.0, 1, 1),
        (0.1, 3.0, 1, 300_000),
        (10_000, 1000, 4, 40_000_000_000_000),
    ],
)
def test_a_price_is_whole_micros_rounded_up(usd: float, scale: float, count: int, micros: int) -> None:
    priced = card(
        price={"usd": usd, "times": "count"}, params=[{"name": "count", "type": "int", "default": 1}]
    )
    assert Catalog([priced], price_scale=scale).quote_micros(priced, {"count": count}) == micros


@pytest.mark.parametrize(
    ("type_", "model_id", "field"),
    [("image", "t2i-none", "model"), ("text", "t2i-mine", "model"), ("video", None, "type")],
)
def test_the_error_for_an_unusable_model_names_the_usable_ones(
    type_: str, model_id: str | None, field: str
) -> None:
    catalog = Catalog([card(), card(id="t2t-mine", type="text")])
    with pytest.raises(InvalidInput) as caught:
        catalog.choose(type_, model_id)
    [problem] = caught.value.fields
    assert problem.field == field
    expected = {"image": "t2i-mine", "text": "t2t-mine", "video": "image, text"}[type_]
    assert problem.message.endswith(expected)


def test_a_cards_version_changes_with_anything_in_it() -> None:
    weights = {"source": "file:weights", "sha256": "0" * 64, "bytes": 1, "licence": "MIT"}
    changes: list[dict[str, object]] = [
        {},
        {"name": "Yours"},
        {"engine": "sketch"},
        {"price": {"usd": 0.1}},
        {"params": [{"name": "count", "type": "int", "default": 1}]},
        {"params": [{"name": "count", "type": "int", "default": 2}]},
        {"options": {"steps": 4}},
        {"max_prompt": 4},
        {"weights": weights},
        {"weights": {**weights, "sha256": "1" * 64}},
    ]
    versions = [card(**change).version for change in changes]
    assert len(set(versions)) == len(changes)
    assert [card(**change).version for change in changes] == versions
    assert {card.version for card in load_cards()} == {card.version for card in load_cards()}
