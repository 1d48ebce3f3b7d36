"""Subjects in outdoor scenes: what a prompt names stands in its picture, and nowhere else does it change."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from terrarium_server.engines._sketch import paint
from terrarium_server.engines._sketch.brief import Brief, read
from terrarium_server.engines._sketch.canvas import Airy, Band, Deep, Frame, Wet
from terrarium_server.engines._sketch.colour import rgb
from terrarium_server.engines._sketch.noise import Dice
from terrarium_server.engines._sketch.painter import SCENES, Easel, prepare
from terrarium_server.engines._sketch.palette import choose
from terrarium_server.engines._sketch.subjects.cutout import Lighting, cut, lighting, mirrored, shadow
from terrarium_server.engines._sketch.subjects.ensemble import FIGURES, Ensemble
from terrarium_server.engines._sketch.subjects.figure import dyed
from terrarium_server.engines._sketch.subjects.words import KIND_OF, OUTDOORS

FRAME = Frame(168, 112)

# A prompt for each place a subject can stand, and the kind it names.
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
def easel(brief: Brief, *, seed: int = 3) -> Easel:
    """A composed brief, made once."""
    return prepare(brief, FRAME, seed=seed, style="photo")


def ensemble(of: Easel) -> Ensemble:
    """The subjects of a composition."""
    found = vars(of.scene)["_ensemble"]
    assert isinstance(found, Ensemble)
    return found


def footprint(of: Easel) -> NDArray[np.bool_]:
    """Where its subjects themselves are, shape (h, w)."""
    return ensemble(of).covers(FRAME.whole()) > 0.8


def daylight() -> Lighting:
    """The light of a plain day."""
    return lighting(choose(read("a meadow"), "day", Dice("light")), 1.0, rgb("#7f9440"))


@pytest.mark.parametrize(("prompt", "kind"), PROMPTS.items())
def test_a_named_subject_stands_in_its_picture(prompt: str, kind: str) -> None:
    brief = read(prompt)
    assert brief.scene in OUTDOORS
    assert [member.kind for member in brief.members] == [kind]
    with_it = easel(brief)
    where = footprint(with_it)
    assert where.mean() > 0.002
    bare = easel(replace(brief, members=()))
    one, other = (of.scene.shade(FRAME.whole()) for of in (with_it, bare))
    changed = np.abs(one - other).max(axis=0) > 0.004
    assert changed[where].mean() > 0.8


@pytest.mark.parametrize("prompt", ["two sailing boats at sunset", "a deer in a meadow", "birds over a city"])
def test_a_subject_changes_nothing_far_from_it(prompt: str) -> None:
    brief = read(prompt)
    with_it, bare = easel(brief), easel(replace(brief, members=()))
    assert ensemble(with_it).standing
    one, other = (of.scene.shade(FRAME.whole()) for of in (with_it, bare))
    rows = slice(0, 8) if "birds" not in prompt else slice(FRAME.height - 8, FRAME.height)
    assert np.array_equal(one[:, rows], other[:, rows])


@pytest.mark.parametrize("prompt", PROMPTS)
def test_subjects_stand_before_what_is_far(prompt: str) -> None:
    brief = read(prompt)
    scene, bare = easel(brief).scene, easel(replace(brief, members=())).scene
    assert isinstance(scene, Deep) and isinstance(bare, Deep)
    lit = any(one.beam or one.warmth for one in ensemble(easel(brief)).standing)
    if brief.scene != "forest" and not lit:  # in a forest trees make room for them
        assert np.array_equal(scene.behind(FRAME.whole()), bare.behind(FRAME.whole()))
    if isinstance(scene, Wet):
        assert scene.liquid(FRAME.whole())[footprint(easel(brief))].max() < 0.21


@pytest.mark.parametrize("prompt", PROMPTS)
def test_bands_with_subjects_meet_without_a_seam(prompt: str) -> None:
    scene = easel(read(prompt)).scene
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
    figure = FIGURES[kind](Dice(kind))
    shares: list[float] = []
    for side in (160, 320):
        frame = Frame(side, side)
        body = cut(figure, frame, daylight(), 0.1, -0.4, 0.7, 0.2, -1.0)
        for plane in (body, shadow(body, frame, -0.4, daylight(), rgb("#101010"), 0.5)):
            assert plane.alpha.dtype == plane.light.dtype == np.float32
            assert np.isfinite(plane.light).all()
            assert plane.alpha.min() >= -1e-4 and plane.alpha.max() <= 1.0001
        upside = mirrored(body, frame, -0.4, np.zeros(64, np.float32), 0.6)
        assert upside.alpha.max() <= 0.61
        shares.append(float(body.alpha.sum()) / side**2)
    assert shares[0] > 0.001
    assert shares[1] == pytest.approx(shares[0], rel=0.04)


@pytest.mark.parametrize("kind", FIGURES)
def test_every_figure_can_wear_another_colour(kind: str) -> None:
    figure = FIGURES[kind](Dice(kind))
    assert "#12fe34" in {part.colour for part in dyed(figure, "#12fe34").parts}


def test_every_word_has_a_figure_and_every_figure_its_words() -> None:
    kinds = set(KIND_OF.values())
    assert kinds == set(FIGURES)


@pytest.mark.parametrize("word", sorted(KIND_OF))
def test_every_word_alone_makes_a_picture_of_something(word: str) -> None:
    brief = read(f"a {word}")
    assert brief.known and brief.scene in SCENES
    if brief.scene in OUTDOORS:
        assert KIND_OF[word] in {member.kind for member in brief.members}


# Words that are a number themselves, or have no plural in "s".
ODD = {"village", "hamlet", "caravan", "regatta", "sailing", "deer", "elk", "camping"}


@settings(max_examples=60, deadline=None)
@given(
    word=st.sampled_from(sorted(set(KIND_OF) - ODD)),
    number=st.sampled_from([("two", 2), ("three", 3), ("four", 4), ("a pair of", 2)]),
    adjective=st.sampled_from(["", "old ", "little "]),
)
def test_numbers_are_counted(word: str, number: tuple[str, int], adjective: str) -> None:
    members = read(f"{number[0]} {adjective}{word}s in a wide meadow").members
    assert {member.kind: member.number for member in members}[KIND_OF[word]] == number[1]


@pytest.mark.parametrize(
    ("prompt", "number"),
    [("a fox in a forest", 1), ("wolves in a forest", 3), ("a flock of birds over the sea", 11),
     ("999 horses in a meadow", 3), ("no fox, a forest", 0)],
)  # fmt: skip
def test_plurals_and_groups_are_several(prompt: str, number: int) -> None:
    assert sum(member.number for member in read(prompt).members) == number


def test_a_colour_said_of_a_figure_is_worn_by_it_alone() -> None:
    brief = read("a red fox in a green forest")
    assert [colour.name for colour in brief.colours] == ["green"]
    assert brief.members[0].colour == "#c8322b"


@pytest.mark.parametrize("prompt", ["a mug with a fox on a table", "a portrait of a woman with a dog"])
def test_nothing_stands_indoors(prompt: str) -> None:
    assert read(prompt).members == ()


@pytest.mark.parametrize("place", ["forest", "meadow", "mountain"])
def test_snow_lies_on_the_ground(place: str) -> None:
    plain, snowy = (read(f"a {place}, foggy{end}") for end in ("", ", snow"))
    ground: list[float] = []
    for brief in (plain, snowy):
        light = easel(brief).scene.shade(FRAME.whole())[:, int(FRAME.height * 0.72) :]
        ground.append(float(light.mean()))
    assert ground[1] > ground[0] * (1.1 if place != "mountain" else 0.95)


def test_flakes_fall_in_a_picture_and_are_left_to_the_film() -> None:
    brief = read("a meadow in the snow")
    still, moving = easel(brief), easel(replace(brief, extras=brief.extras | {"dry"}))
    one, other = (of.scene.shade(FRAME.whole()) for of in (still, moving))
    assert 0.01 < (np.abs(one - other).max(axis=0) > 0.02).mean() < 0.5


def test_a_film_cuts_out_what_flies_without_the_sky_below_it() -> None:
    scene = easel(read("hot air balloons above mountains")).scene
    assert isinstance(scene, Airy)
    flying = scene.aloft(FRAME.whole())
    assert flying.shape == (FRAME.height, FRAME.width)
    assert 0.005 < (flying > 0.5).mean() < 0.2
    still = easel(read("a boat on a mountain lake")).scene
    assert isinstance(still, Airy) and not still.aloft(FRAME.whole()).any()
