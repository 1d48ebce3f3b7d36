"""The sketch painter: same arguments, same bytes; other words, other pictures; any text, any size."""

import colorsys
import hashlib
import io
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from terrarium_pocket.sketch.canvas import Band, Frame
from terrarium_pocket.sketch.noise import SeededRandom
from terrarium_pocket.sketch.painter import SCENES, Painting, paint
from terrarium_pocket.sketch.palette import choose_palette
from terrarium_pocket.sketch.prompt import parse_prompt
from terrarium_pocket.sketch.styles import STYLES

HEADLINE = "A cinematic product photo of a ceramic mug on a sunlit table"

PROMPTS = {
    "product": HEADLINE,
    "portrait": "portrait of a woman",
    "mountains": "a mountain lake at dawn",
    "meadow": "rolling hills and meadows",
    "sea": "ocean waves at sunset",
    "desert": "desert dunes",
    "city": "neon cyberpunk city skyline",
    "forest": "a foggy forest",
    "space": 'a planet, space poster "FAR SIDE"',
    "flowers": "a bouquet of wildflowers",
    "room": "a sunlit living room",
    "abstract": "liquid abstract swirl",
}


def pixels(painting: Painting) -> NDArray[np.uint8]:
    """The decoded picture, shape (h, w, 3)."""
    return np.asarray(Image.open(io.BytesIO(painting.png)).convert("RGB"))


@cache
def small(prompt: str, *, seed: int = 1, style: str = "auto", side: int = 96) -> Painting:
    """A quick square painting, made once."""
    return paint(prompt, width=side, height=side, seed=seed, style=style)


def hue_distance(prompt: str, target: float) -> float:
    """Mean distance on the colour circle, 0..0.5, from a hue, weighted by saturation."""
    rows = pixels(small(prompt)).reshape(-1, 3)[::23]
    total = weight = 0.0
    for red, green, blue in rows.tolist():
        hue, saturation, value = colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255)
        away = abs(hue - target)
        total += min(away, 1 - away) * saturation * value
        weight += saturation * value
    return total / max(weight, 1e-6)


@pytest.mark.parametrize(("scene", "prompt"), PROMPTS.items())
def test_every_scene_is_chosen_by_its_words_and_repeats_exactly(scene: str, prompt: str) -> None:
    first = small(prompt)
    assert first.scene == scene
    assert first == paint(prompt, width=96, height=96, seed=1)


def test_every_scene_has_a_prompt_here() -> None:
    assert set(PROMPTS) == set(SCENES)


def test_another_process_paints_the_same_bytes() -> None:
    code = (
        "import hashlib\n"
        "from terrarium_pocket.sketch.painter import paint\n"
        "paint('a forest', width=64, height=64, seed=9)\n"
        f"print(hashlib.sha256(paint({HEADLINE!r}, width=96, height=80, seed=7).png).hexdigest())"
    )
    path = [entry for entry in sys.path if entry]
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(path), "PYTHONHASHSEED": "1"},
    )
    here = paint(HEADLINE, width=96, height=80, seed=7).png
    assert run.stdout.strip() == hashlib.sha256(here).hexdigest()


@pytest.mark.parametrize("prompt", PROMPTS.values())
def test_seeds_give_visibly_different_pictures(prompt: str) -> None:
    one, two = (pixels(small(prompt, seed=seed)).astype(int) for seed in (1, 2))
    assert np.abs(one - two).mean() > 5


def test_words_change_the_picture() -> None:
    one, two = (pixels(small(prompt)).astype(int) for prompt in ("a mug", "a mug at night"))
    assert np.abs(one - two).mean() > 5


@pytest.mark.parametrize(
    ("width", "height"), [(64, 64), (210, 90), (90, 160), (128, 160), (64, 300), (300, 64), (101, 67)]
)
@pytest.mark.parametrize("scene", ["product", "mountains", "city"])
def test_sizes_are_exact(width: int, height: int, scene: str) -> None:
    painting = paint(PROMPTS[scene], width=width, height=height, seed=3)
    assert (painting.width, painting.height) == (width, height)
    assert Image.open(io.BytesIO(painting.png)).size == (width, height)


@pytest.mark.parametrize("scene", ["product", "mountains", "sea", "city", "portrait", "space", "abstract"])
def test_a_larger_picture_is_the_same_picture(scene: str) -> None:
    little, large = (small(PROMPTS[scene], side=side) for side in (128, 256))
    image = Image.open(io.BytesIO(large.png)).resize((32, 32), Image.Resampling.BOX)
    other = Image.open(io.BytesIO(little.png)).resize((32, 32), Image.Resampling.BOX)
    assert np.abs(np.asarray(image).astype(int) - np.asarray(other)).mean() < 5


@pytest.mark.parametrize("style", STYLES)
def test_styles_paint_and_differ(style: str) -> None:
    plain = pixels(small(HEADLINE, style="photo")).astype(int)
    styled = pixels(small(HEADLINE, style=style)).astype(int)
    difference = np.abs(plain - styled).mean()
    assert difference == 0 if style in {"auto", "photo"} else difference > 4


def test_noir_has_no_colour() -> None:
    picture = pixels(small("a bouquet of roses", style="noir")).astype(int)
    assert (picture.max(axis=2) - picture.min(axis=2)).max() <= 2


@pytest.mark.parametrize(
    "subject", ["{} abstract swirl", "a {} mug", "{} bouquet of flowers", "{} planet", "{} sea"]
)
@pytest.mark.parametrize(("warm", "cool"), [("red", "blue"), ("orange", "teal")])
def test_named_colours_pull_the_hue(subject: str, warm: str, cool: str) -> None:
    target = {"red": 0.01, "orange": 0.07}[warm]
    assert hue_distance(subject.format(warm), target) < hue_distance(subject.format(cool), target)


def test_light_words_pull_the_hue_and_the_brightness() -> None:
    assert hue_distance("mountains at golden hour", 0.09) < hue_distance("mountains at blue hour", 0.09)
    assert pixels(small("the sea at noon, sunny")).mean() > pixels(small("the sea at night")).mean() + 25


def test_quoted_words_are_lettered() -> None:
    plain, lettered = (
        pixels(small(prompt, side=160)).astype(int) for prompt in ("a planet", 'a planet "WWWWW"')
    )
    assert plain.shape == lettered.shape
    assert (lettered[10:60] > 200).sum() > (plain[10:60] > 200).sum() + 300


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(prompt=st.text(max_size=300), seed=st.integers(min_value=0, max_value=2**63 - 1))
def test_any_text_paints(prompt: str, seed: int) -> None:
    assert paint(prompt, width=64, height=64, seed=seed).png.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "prompt",
    ["", "   ", "\n\t", "🎉🌊🦊", "風景の写真", "\ud800", "\x00", '""', "'", "a" * 20_000, "mug 🎉 " * 3_000],
)
def test_odd_and_huge_prompts_paint(prompt: str) -> None:
    assert small(prompt, side=64).scene in SCENES


def test_unknown_words_become_an_abstract_picture() -> None:
    assert small("zxqv wobble 風景", side=64).scene == "abstract"


@pytest.mark.parametrize(
    ("prompt", "scene"),
    [
        ("a portrait of a woman in a forest", "portrait"),
        ("perfume bottles on marble", "product"),
        ("sunset over the mountains", "mountains"),
        ("skyscrapers by the sea", "city"),
        ("a lake, no people", "mountains"),
        ("Blue-hour skyline of Tokyo", "city"),
        ("an orange sunset", "sea"),
        ("oranges on linen", "product"),
        ("roses on a dark background", "flowers"),
        ("a meadow full of poppies", "meadow"),
        ("can you paint mountains", "mountains"),
        ("the moon over the sea", "sea"),
        ("a cream mug", "product"),
        ("autumn leaves in a forest", "forest"),
    ],
)
def test_the_heaviest_subject_wins(prompt: str, scene: str) -> None:
    assert parse_prompt(prompt).scene == scene


@pytest.mark.parametrize("scene", SCENES)
def test_light_stays_in_single_precision(scene: str) -> None:
    frame = Frame(80, 64)
    parsed = parse_prompt(PROMPTS[scene])
    palette = choose_palette(parsed, parsed.light, SeededRandom("palette"))
    light = SCENES[scene](parsed, palette, SeededRandom("scene"), frame).shade(frame.whole())
    assert light.dtype == np.float32
    assert light.shape == (3, 64, 80)
    assert np.isfinite(light).all()


@pytest.mark.parametrize("scene", SCENES)
def test_bands_meet_without_a_seam(scene: str) -> None:
    frame = Frame(72, 120)
    parsed = parse_prompt(PROMPTS[scene] + ", starry night, birds")
    scenery = SCENES[scene](
        parsed, choose_palette(parsed, parsed.light, SeededRandom("palette")), SeededRandom("scene"), frame
    )
    whole = scenery.shade(frame.whole())
    bands = [scenery.shade(Band(frame, top, 15)) for top in range(0, 120, 15)]
    assert np.abs(whole - np.concatenate(bands, axis=1)).max() < 0.02


def test_progress_rises_to_one() -> None:
    fractions: list[float] = []
    paint("abstract", width=1024, height=1024, seed=1, progress=fractions.append)
    assert len(fractions) >= 5
    assert fractions == sorted(set(fractions))
    assert fractions[0] >= 0.0 and fractions[-1] == 1.0


def test_progress_changes_nothing() -> None:
    with_progress = paint("a can", width=64, height=64, seed=2, progress=lambda fraction: None)
    assert with_progress == paint("a can", width=64, height=64, seed=2)


@pytest.mark.parametrize(("width", "height"), [(63, 64), (64, 4097), (0, 64), (-5, 64)])
def test_sizes_out_of_range_are_refused(width: int, height: int) -> None:
    with pytest.raises(ValueError, match="64 to 4096"):
        paint("a mug", width=width, height=height, seed=1)


def test_unknown_styles_are_refused() -> None:
    with pytest.raises(ValueError, match="style must be one of"):
        paint("a mug", width=64, height=64, seed=1, style="cubist")
