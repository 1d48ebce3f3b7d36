"""Figures in outdoor scenes: what a prompt names is painted, and the rest of the picture stays the same."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from terrarium_pocket.sketch.canvas import Band, Frame, Layered, WithFlyers, WithWater
from terrarium_pocket.sketch.colour import rgb
from terrarium_pocket.sketch.noise import SeededRandom
from terrarium_pocket.sketch.painter import SCENES, Renderer, paint, prepare_renderer
from terrarium_pocket.sketch.palette import choose_palette
from terrarium_pocket.sketch.prompt import ParsedPrompt, parse_prompt
from terrarium_pocket.sketch.subjects.figure import recoloured
from terrarium_pocket.sketch.subjects.placement import FIGURES, PlacedSubjects
from terrarium_pocket.sketch.subjects.sprite import Lighting, cast_shadow, lighting, reflection, render_figure
from terrarium_pocket.sketch.subjects.words import KIND_OF, OUTDOORS

FRAME = Frame(168, 112)

# A prompt for each place where a figure can stand, and the kind it names.
PROMPTS = {
    "a lighthouse above a sea at dusk": "lighthouse",
    "two sailing boats at sunset": "sailboat",
    "a whale in the ocean, moonlight": "whale",
    "a fox in a snowy forest": "fox",
    "a deer in a misty meadow at dawn": "deer",
    "a castle on a hill, storm": "castle",
    "a camel caravan in the desert": "camel",
    "a cabin by a mountain lake at night": "cabin",
    "a canoe on a mountain lake": "rowboat",
    "hot air balloons above mountains": "balloon",
    "a lone walker in the snow": "walker",
    "birds over a city at sunrise": "bird",
    "an umbrella in a rainy neon city": "umbrella",
    "a walker on a city quay, daylight": "walker",
}


@cache
def renderer(parsed: ParsedPrompt, *, seed: int = 3) -> Renderer:
    """A composed prompt, made once."""
    return prepare_renderer(parsed, FRAME, seed=seed, style="photo")


def placed_subjects(composed: Renderer) -> PlacedSubjects:
    """The figures of a composition."""
    subjects = vars(composed.scene)["_subjects"]
    assert isinstance(subjects, PlacedSubjects)
    return subjects


def footprint(composed: Renderer) -> NDArray[np.bool_]:
    """The pixels of its figures, shape (h, w)."""
    return placed_subjects(composed).coverage(FRAME.whole()) > 0.8


def daylight() -> Lighting:
    """The lighting of daylight."""
    return lighting(
        choose_palette(parse_prompt("a meadow"), "day", SeededRandom("light")), 1.0, rgb("#7f9440")
    )


@pytest.mark.parametrize(("prompt", "kind"), PROMPTS.items())
def test_a_named_figure_stands_in_its_picture(prompt: str, kind: str) -> None:
    parsed = parse_prompt(prompt)
    assert parsed.scene in OUTDOORS
    assert [group.kind for group in parsed.figure_groups] == [kind]
    with_it = renderer(parsed)
    where = footprint(with_it)
    assert where.mean() > 0.002
    bare = renderer(replace(parsed, figure_groups=()))
    one, other = (composed.scene.shade(FRAME.whole()) for composed in (with_it, bare))
    changed = np.abs(one - other).max(axis=0) > 0.004
    assert changed[where].mean() > 0.8


@pytest.mark.parametrize("prompt", ["two sailing boats at sunset", "a deer in a meadow", "birds over a city"])
def test_a_figure_changes_nothing_far_from_it(prompt: str) -> None:
    parsed = parse_prompt(prompt)
    with_it, bare = renderer(parsed), renderer(replace(parsed, figure_groups=()))
    assert placed_subjects(with_it).placed
    one, other = (composed.scene.shade(FRAME.whole()) for composed in (with_it, bare))
    rows = slice(0, 8) if "birds" not in prompt else slice(FRAME.height - 8, FRAME.height)
    assert np.array_equal(one[:, rows], other[:, rows])


@pytest.mark.parametrize("prompt", PROMPTS)
def test_figures_are_in_the_foreground(prompt: str) -> None:
    parsed = parse_prompt(prompt)
    scene, bare = renderer(parsed).scene, renderer(replace(parsed, figure_groups=())).scene
    assert isinstance(scene, Layered) and isinstance(bare, Layered)
    lit = any(one.beam or one.window_glow for one in placed_subjects(renderer(parsed)).placed)
    if parsed.scene != "forest" and not lit:  # in a forest no tree hides them
        assert np.array_equal(scene.background(FRAME.whole()), bare.background(FRAME.whole()))
    if isinstance(scene, WithWater):
        assert scene.water_coverage(FRAME.whole())[footprint(renderer(parsed))].max() < 0.21


@pytest.mark.parametrize("prompt", PROMPTS)
def test_bands_with_figures_meet_without_a_seam(prompt: str) -> None:
    scene = renderer(parse_prompt(prompt)).scene
    whole = scene.shade(FRAME.whole())
    bands = [scene.shade(Band(FRAME, top, 16)) for top in range(0, FRAME.height, 16)]
    assert whole.dtype == np.float32
    assert np.abs(whole - np.concatenate(bands, axis=1)).max() < 0.02


@pytest.mark.parametrize("prompt", ["a fox in a snowy forest", "three horses in a meadow"])
def test_the_same_seed_paints_the_same_bytes(prompt: str) -> None:
    first = paint(prompt, width=96, height=64, seed=11)
    assert first == paint(prompt, width=96, height=64, seed=11)
    assert first.png != paint(prompt, width=96, height=64, seed=12).png


@pytest.mark.parametrize("kind", FIGURES)
def test_every_figure_is_the_same_at_every_size(kind: str) -> None:
    figure = FIGURES[kind](SeededRandom(kind))
    shares: list[float] = []
    for side in (160, 320):
        frame = Frame(side, side)
        body = render_figure(figure, frame, daylight(), 0.1, -0.4, 0.7, 0.2, -1.0)
        for plane in (body, cast_shadow(body, frame, -0.4, daylight(), rgb("#101010"), 0.5)):
            assert plane.alpha.dtype == plane.light.dtype == np.float32
            assert np.isfinite(plane.light).all()
            assert plane.alpha.min() >= -1e-4 and plane.alpha.max() <= 1.0001
        upside = reflection(body, frame, -0.4, np.zeros(64, np.float32), 0.6)
        assert upside.alpha.max() <= 0.61
        shares.append(float(body.alpha.sum()) / side**2)
    assert shares[0] > 0.001
    assert shares[1] == pytest.approx(shares[0], rel=0.04)


@pytest.mark.parametrize("kind", FIGURES)
def test_every_figure_can_have_another_colour(kind: str) -> None:
    figure = FIGURES[kind](SeededRandom(kind))
    assert "#12fe34" in {part.colour for part in recoloured(figure, "#12fe34").parts}


def test_every_word_has_a_figure_and_every_figure_its_words() -> None:
    kinds = set(KIND_OF.values())
    assert kinds == set(FIGURES)


@pytest.mark.parametrize("word", sorted(KIND_OF))
def test_every_word_alone_names_a_subject(word: str) -> None:
    parsed = parse_prompt(f"a {word}")
    assert parsed.recognised and parsed.scene in SCENES
    if parsed.scene in OUTDOORS:
        assert KIND_OF[word] in {group.kind for group in parsed.figure_groups}


# Words that mean a number themselves, or have no plural in "s".
ODD = {"village", "hamlet", "caravan", "regatta", "sailing", "deer", "elk", "camping"}


@settings(max_examples=60, deadline=None)
@given(
    word=st.sampled_from(sorted(set(KIND_OF) - ODD)),
    number=st.sampled_from([("two", 2), ("three", 3), ("four", 4), ("a pair of", 2)]),
    adjective=st.sampled_from(["", "old ", "little "]),
)
def test_numbers_are_counted(word: str, number: tuple[str, int], adjective: str) -> None:
    figure_groups = parse_prompt(f"{number[0]} {adjective}{word}s in a wide meadow").figure_groups
    assert {group.kind: group.number for group in figure_groups}[KIND_OF[word]] == number[1]


@pytest.mark.parametrize(
    ("prompt", "number"),
    [("a fox in a forest", 1), ("wolves in a forest", 3), ("a flock of birds over the sea", 11),
     ("999 horses in a meadow", 3), ("no fox, a forest", 0)],
)  # fmt: skip
def test_plurals_and_groups_are_several(prompt: str, number: int) -> None:
    assert sum(group.number for group in parse_prompt(prompt).figure_groups) == number


def test_the_colour_of_a_figure_colours_the_figure_alone() -> None:
    parsed = parse_prompt("a red fox in a green forest")
    assert [colour.name for colour in parsed.colours] == ["green"]
    assert parsed.figure_groups[0].colour == "#c8322b"


@pytest.mark.parametrize("prompt", ["a mug with a fox on a table", "a portrait of a woman with a dog"])
def test_indoor_scenes_have_no_figures(prompt: str) -> None:
    assert parse_prompt(prompt).figure_groups == ()


@pytest.mark.parametrize("place", ["forest", "meadow", "mountain"])
def test_snow_lies_on_the_ground(place: str) -> None:
    plain, snowy = (parse_prompt(f"a {place}, foggy{end}") for end in ("", ", snow"))
    ground: list[float] = []
    for parsed in (plain, snowy):
        light = renderer(parsed).scene.shade(FRAME.whole())[:, int(FRAME.height * 0.72) :]
        ground.append(float(light.mean()))
    assert ground[1] > ground[0] * (1.1 if place != "mountain" else 0.95)


def test_snow_falls_in_a_picture_but_not_in_the_layers_of_a_clip() -> None:
    parsed = parse_prompt("a meadow in the snow")
    still, moving = renderer(parsed), renderer(replace(parsed, extras=parsed.extras | {"dry"}))
    one, other = (composed.scene.shade(FRAME.whole()) for composed in (still, moving))
    assert 0.01 < (np.abs(one - other).max(axis=0) > 0.02).mean() < 0.5


def test_flying_figures_are_covered_without_the_sky_below_them() -> None:
    scene = renderer(parse_prompt("hot air balloons above mountains")).scene
    assert isinstance(scene, WithFlyers)
    flying = scene.flying_coverage(FRAME.whole())
    assert flying.shape == (FRAME.height, FRAME.width)
    assert 0.005 < (flying > 0.5).mean() < 0.2
    still = renderer(parse_prompt("a boat on a mountain lake")).scene
    assert isinstance(still, WithFlyers) and not still.flying_coverage(FRAME.whole()).any()
