"""Portraits, wares, rooms and vases: what a prompt names is painted, in the colour it names."""

import colorsys
import io
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from terrarium_pocket.sketch.canvas import Frame
from terrarium_pocket.sketch.interior import PARTS
from terrarium_pocket.sketch.noise import SeededRandom
from terrarium_pocket.sketch.painter import paint, prepare_renderer
from terrarium_pocket.sketch.prompt import parse_prompt
from terrarium_pocket.sketch.scenes.wares import make_ware
from terrarium_pocket.sketch.vocabulary import COLOURS

RED, YELLOW, GREEN, BLUE = 0.0, 0.15, 0.33, 0.6
HUES = {"red": RED, "yellow": YELLOW, "green": GREEN, "blue": BLUE}
WARES = (
    *("mug", "bottle", "jar", "vase", "can", "bowl", "candle", "perfume"),
    *("lemon", "ramen", "cake", "pizza", "sneaker", "rangefinder", "book"),
)
ANIMALS = ("cat", "dog", "owl", "fox", "rabbit")


@cache
def picture(prompt: str, *, seed: int = 1, side: int = 96) -> NDArray[np.uint8]:
    """A quick square painting, shape (side, side, 3)."""
    png = paint(prompt, width=side, height=side, seed=seed).png
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def share(pixels: NDArray[np.uint8], hue: float) -> float:
    """The share of pixels, shape (..., 3), with a strong colour of one hue."""
    rows = pixels.reshape(-1, 3)
    right = 0
    for red, green, blue in rows.tolist():
        own, saturation, value = colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255)
        away = abs(own - hue)
        right += min(away, 1 - away) < 0.085 and saturation > 0.42 and value > 0.2
    return right / len(rows)


def parts(prompt: str) -> dict[str, list[str]]:
    """The colours that a prompt gives to each part."""
    colours: dict[str, list[str]] = {}
    for tint in parse_prompt(prompt).tints:
        colours.setdefault(tint.part, []).append(tint.colour.name)
    return colours


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("portrait of a woman with red hair", {"hair": ["red"]}),
        ("a red-haired woman in a green coat with blue eyes",
         {"hair": ["red"], "clothes": ["green"], "eyes": ["blue"]}),
        ("an old man, white beard, wearing a brown coat", {"beard": ["white"], "clothes": ["brown"]}),
        ("a man in a black hat, blonde", {"hat": ["black"], "hair": ["blonde"]}),
        ("her hair is auburn, on a pink background", {"hair": ["auburn"], "wall": ["pink"]}),
        ("a blue mug on a yellow table", {"subject": ["blue"], "table": ["yellow"]}),
        ("white roses in a blue vase", {"subject": ["white", "rose"], "vessel": ["blue"]}),
        ("red and white sneakers", {"subject": ["red", "white"]}),
        ("a red armchair in a green room with a yellow lamp",
         {"subject": ["red"], "wall": ["green"], "lamp": ["yellow"]}),
        ("a woman with no red hair", {}),
    ],
)  # fmt: skip
def test_a_colour_belongs_to_the_noun_after_it(prompt: str, expected: dict[str, list[str]]) -> None:
    assert parts(prompt) == expected


_NOUNS = sorted({words.split()[0]: part for part, words in PARTS.items()}.items())


@given(
    first=st.sampled_from(sorted(COLOURS)),
    second=st.sampled_from(sorted(COLOURS)),
    noun=st.sampled_from(_NOUNS),
    other=st.sampled_from(_NOUNS),
    link=st.sampled_from(["on", "with", "and", "in", ","]),
)
def test_two_nouns_never_swap_their_colours(
    first: str, second: str, noun: tuple[str, str], other: tuple[str, str], link: str
) -> None:
    tints = parse_prompt(f"a {first} {noun[0]} {link} a {second} {other[0]}").tints
    assert [(tint.part, tint.noun) for tint in tints] == [(noun[1], noun[0]), (other[1], other[0])]
    names = {tint.colour.name for tint in tints}
    assert names == {first, second}
    assert tints[0].colour.name == first


@given(st.text(max_size=200))
def test_any_text_is_parsed(text: str) -> None:
    parsed = parse_prompt(text)
    assert {colour for colour in parsed.colours} <= {tint.colour for tint in parsed.tints}
    hash(parsed)


@pytest.mark.parametrize(
    ("prompt", "scene", "variant"),
    [
        ("portrait of a cat", "portrait", "cat"),
        ("an owl, studio portrait", "portrait", "owl"),
        ("a woman with a cat", "portrait", "person"),
        ("roses in a vase", "flowers", "bouquet"),
        ("tulips in a white jug", "flowers", "bouquet"),
        ("a white vase", "product", "vase"),
        ("a bowl of ramen", "product", "ramen"),
        ("a bowl of lemons, still life", "product", "fruit"),
        ("a bowl of soup", "product", "bowl"),
        ("birthday cake with candles", "product", "cake"),
        ("sneakers product shot", "product", "sneaker"),
        ("a reading corner with a lamp and a plant", "room", "window"),
    ],
)
def test_words_that_belong_together_name_one_subject(prompt: str, scene: str, variant: str) -> None:
    parsed = parse_prompt(prompt)
    assert (parsed.scene, parsed.variant) == (scene, variant)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_hair_is_red_and_the_jumper_is_not(seed: int) -> None:
    shown = picture("portrait of a woman with red hair, white background, wearing a blue jumper", seed=seed)
    hair, jumper = shown[8:30], shown[80:]
    assert share(hair, 0.03) > 0.12 > share(jumper, 0.03)
    assert share(jumper, BLUE) > 0.3 > share(hair, BLUE)


@pytest.mark.parametrize(("mug", "table"), [("blue", "yellow"), ("red", "green"), ("yellow", "blue")])
def test_a_mug_and_its_table_keep_their_colours(mug: str, table: str) -> None:
    shown = picture(f"a {mug} mug on a {table} table")
    ground, middle = shown[84:], shown[36:72]
    assert share(ground, HUES[table]) > 0.3 > share(ground, HUES[mug])
    assert share(middle, HUES[mug]) > 0.1
    assert share(shown[:30], HUES[table]) < 0.2


def test_an_armchair_and_its_room_keep_their_colours() -> None:
    shown = picture("a red armchair in a green room", side=128)
    assert share(shown[:34], GREEN) > 0.4
    assert share(shown[48:100], RED) > 0.15
    assert share(shown[:34], RED) < 0.05


def test_a_blue_vase_stands_under_white_roses() -> None:
    shown = picture("white roses in a blue vase", side=128)
    assert share(shown[80:], BLUE) > 0.04
    assert share(shown[:70], BLUE) < 0.01
    bare = picture("white roses", side=128)
    assert share(bare, BLUE) < 0.01


@pytest.mark.parametrize(
    ("named", "plain"),
    [
        ("portrait of a man with glasses", "portrait of a man"),
        ("portrait of a man with a beard", "portrait of a woman"),
        ("portrait of a woman with a red hat", "portrait of a woman"),
        ("portrait of a woman with a scarf", "portrait of a woman"),
        ("portrait of a bald man", "portrait of a man"),
    ],
)
def test_what_a_person_wears_is_visible(named: str, plain: str) -> None:
    one, two = (picture(prompt).astype(int) for prompt in (named, plain))
    assert np.abs(one - two).mean() > 0.5


@pytest.mark.parametrize("animal", ANIMALS)
def test_animals_differ_and_have_the_named_colour(animal: str) -> None:
    shown = picture(f"a blue {animal}, white background")
    assert share(shown[30:70, 30:66], 0.6) > 0.15
    for other in ANIMALS:
        if other != animal:
            apart = picture(f"a blue {other}, white background").astype(int) - shown
            assert np.abs(apart).mean() > 3


@pytest.mark.parametrize("thing", WARES)
def test_every_ware_stands_in_the_picture(thing: str) -> None:
    frame = Frame(80, 80)
    scene = prepare_renderer(parse_prompt(thing), frame, seed=4, style="photo").scene
    whole, far = scene.shade(frame.whole()), scene.background(frame.whole())  # type: ignore[attr-defined]
    assert whole.dtype == np.float32 and np.isfinite(whole).all()
    apart = np.abs(whole - far).max(axis=0) > 0.02
    # The ware is near the middle, with empty space above it.
    assert apart[30:60, 25:55].mean() > 0.3
    assert apart[:6].mean() < 0.2


@pytest.mark.parametrize("thing", WARES)
def test_wares_are_solids_that_rest_on_the_table(thing: str) -> None:
    made = make_ware(parse_prompt(thing), SeededRandom("ware"))
    values = SeededRandom("points").many(6_000, -1.0, 1.0).reshape(3, 2_000)
    far = 2.0 + np.abs(values[0])
    angle = values[1] * np.pi
    outside = made.shape((far * np.cos(angle), np.abs(values[2]), far * np.sin(angle)))
    assert (outside > 0).all()
    # A distance is never greater than the distance to the bounding cylinder.
    assert (outside <= far + 0.2).all()
    below = made.shape((values[0], np.full(2_000, -0.1, dtype=np.float32), values[1]))
    assert (below > 0).all()
    assert (
        made.shape((values[0] * made.bound.radius, np.full(2_000, 0.1, np.float32), values[1] * 0.4)) < 0
    ).any()


@pytest.mark.parametrize(
    "prompt", ["a bowl of ramen", "portrait of an owl", "roses in a vase", "birthday cake"]
)
def test_same_seed_same_bytes_and_other_seeds_differ(prompt: str) -> None:
    one, two, other = (paint(prompt, width=80, height=80, seed=seed).png for seed in (5, 5, 6))
    assert one == two != other


@pytest.mark.parametrize("prompt", ["a bowl of ramen", "portrait of a cat", "white roses in a blue vase"])
def test_a_larger_picture_is_the_same_picture(prompt: str) -> None:
    little, large = (
        np.asarray(
            Image.fromarray(picture(prompt, side=side)).resize((32, 32), Image.Resampling.BOX), dtype=int
        )
        for side in (128, 256)
    )
    assert np.abs(little - large).mean() < 5


def test_candles_burn() -> None:
    flames = make_ware(parse_prompt("birthday cake with candles"), SeededRandom("cake")).flames
    assert len(flames) == 5 and make_ware(parse_prompt("a cake"), SeededRandom("cake")).flames == ()
    shown = picture("birthday cake with candles").astype(int)
    # Flames are the brightest pixels, and warm.
    bright = shown[:48][shown[:48].sum(axis=2) > 660]
    assert len(bright) > 8 and (bright[:, 0] >= bright[:, 2]).all()
