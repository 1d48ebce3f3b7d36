"""The arithmetic of sketch clips: resampling, blending, colour planes, displacement."""

import io
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from terrarium_pocket.sketch.animation.planes import (
    Box,
    Planes,
    Uint8,
    blank,
    blend,
    brighten,
    colour,
    from_rgb,
)
from terrarium_pocket.sketch.animation.resampling import Resampler
from terrarium_pocket.sketch.animation.warp import Warp
from terrarium_pocket.sketch.painter import paint

WIDTH, HEIGHT = 320, 180
WHOLE = (0, 0, WIDTH, HEIGHT)


@pytest.fixture(scope="module")
def picture() -> Planes:
    painted = paint("a mountain lake", width=WIDTH, height=HEIGHT, seed=4)
    return from_rgb(np.asarray(Image.open(io.BytesIO(painted.png)).convert("RGB")))


def shown(plate: Uint8, box: Box, resampler: Resampler | None = None) -> Uint8:
    """The frame that shows ``box`` of an upright plate."""
    resampler = resampler or Resampler(WIDTH, HEIGHT)
    into: Uint8 = np.zeros((HEIGHT, WIDTH), np.uint8)
    resampler.copy([np.ascontiguousarray(plate.T)], resampler.grid(box), WHOLE, [into])
    return into


@pytest.mark.parametrize(
    "box",
    [
        (0.0, 0.0, 320.0, 180.0),
        (0.3, 0.7, 319.4, 179.2),
        (31.25, 12.5, 290.5, 158.3),
        (0.0, 0.0, 160.0, 90.0),
        (213.4, 120.0, 320.0, 180.0),
    ],
)
def test_resampling_gives_what_pillow_gives(picture: Planes, box: Box) -> None:
    expected = Image.fromarray(picture.y).resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR, box=box)
    off = shown(picture.y, box).astype(float) - np.asarray(expected)
    assert np.abs(off).max() <= 2
    assert np.abs(off).mean() < 0.35 and abs(off.mean()) < 0.1


def test_resampling_keeps_a_whole_picture_and_even_colours(picture: Planes) -> None:
    assert (shown(picture.y, (0.0, 0.0, 320.0, 180.0)) == picture.y).all()
    for level in (0, 16, 128, 235, 255):
        flat = np.full((HEIGHT, WIDTH), level, np.uint8)
        assert (shown(flat, (3.3, 1.7, 311.9, 174.2)) == level).all()


def test_only_the_window_of_a_frame_is_written(picture: Planes) -> None:
    resampler, box = Resampler(WIDTH, HEIGHT), (11.3, 7.9, 301.0, 171.4)
    whole = shown(picture.y, box, resampler)
    into: Uint8 = np.full((HEIGHT, WIDTH), 7, np.uint8)
    plate = np.ascontiguousarray(picture.y.T)
    resampler.copy([plate], resampler.grid(box), (40, 30, 200, 120), [into])
    assert (into[30:120, 40:200] == whole[30:120, 40:200]).all()
    into[30:120, 40:200] = 7
    assert (into == 7).all()


def test_a_mask_is_exact_at_0_and_255(picture: Planes) -> None:
    resampler, box = Resampler(WIDTH, HEIGHT), (5.3, 3.9, 310.0, 175.4)
    plate = np.ascontiguousarray(picture.y.T)
    mask: Uint8 = np.zeros((WIDTH, HEIGHT), np.uint8)
    mask[160:] = 255
    into: Uint8 = np.full((HEIGHT, WIDTH), 201, np.uint8)
    resampler.blend([plate], mask, resampler.grid(box), WHOLE, [into])
    assert (into[:, :150] == 201).all()
    assert (into[:, 170:] == shown(picture.y, box)[:, 170:]).all()


def test_an_even_pan_has_even_steps(picture: Planes) -> None:
    """A pan by thirds of a pixel: steps differ by less than a fiftieth of a pixel."""
    views = [shown(picture.y, (10 + n / 3, 6.0, 298 + n / 3, 168.0)).astype(float) for n in range(12)]
    steps: list[float] = []
    for before, after in pairwise(views):
        slope = np.gradient((before + after) / 2, axis=1)
        steps.append(float((slope * (before - after)).sum() / (slope * slope).sum()))
    assert max(steps) - min(steps) < 0.02, steps


def test_blend_weights_are_exact_at_both_ends(picture: Planes) -> None:
    over: NDArray[np.uint8] = picture.y[::-1].copy()
    for share, expected in ((0, picture.y), (256, over)):
        into = picture.y.copy()
        blend(into, over, np.full(into.shape, share, np.uint16))
        assert (into == expected).all()
    into = picture.y.copy()
    blend(into, 200, np.full(into.shape, 128, np.uint16))
    assert np.abs(into - (picture.y / 2 + 100)).max() <= 0.5


def test_added_light_stops_at_white() -> None:
    into = np.array([[16, 128, 235, 255]], np.uint8)
    brighten(into, np.full((1, 4), 255, np.uint8))
    assert into[0, 0] > 240 and (np.diff(into[0].astype(int)) >= 0).all()
    dark = np.array([[16, 128, 235, 255]], np.uint8)
    brighten(dark, np.zeros((1, 4), np.uint8))
    assert dark.tolist() == [[16, 128, 235, 255]]


def test_colours_of_planes_follow_the_standard() -> None:
    for red, green, blue in ((0, 0, 0), (255, 255, 255), (255, 0, 0), (12, 200, 90)):
        made = from_rgb(np.full((4, 4, 3), (red, green, blue), np.uint8))
        y, u, v = (int(plane[0, 0]) for plane in made.each())
        assert np.abs(np.subtract((y, u, v), colour(red, green, blue))).max() <= 1
    assert colour(0, 0, 0) == (16, 128, 128)
    assert colour(255, 255, 255) == (235, 128, 128)
    assert colour(255, 0, 0)[2] == 240 and colour(0, 0, 255)[1] == 240


def test_planes_are_views_of_their_frame() -> None:
    flat, planes = blank(6, 4)
    for value, plane in enumerate(planes.each()):
        plane[:] = value
    assert flat.tolist() == [0] * 24 + [1] * 6 + [2] * 6


def test_a_slide_moves_by_its_reach(picture: Planes) -> None:
    """At the end of the clip a reach of 4 pixels shows what is 4 pixels to the right."""
    reach = np.full((HEIGHT, WIDTH), 4.0, np.float32)
    bend = Warp(picture, reach, 0, along="columns", slide=True)
    into = picture.transposed()
    bend.at(0.0, 1.0, into)
    assert (into.y.T[:, 8:-16] == picture.y[:, 12:-12]).all()
    assert (into.u.T[:, 8:-16] == picture.u[:, 10:-14]).all()
    bend.at(0.0, 0.5, into)
    assert (picture.y == into.y.T).all()
