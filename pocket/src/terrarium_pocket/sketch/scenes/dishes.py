"""Food on the product table: ramen and pizza."""

import math

import numpy as np

from ..arrays import Array, clip, fabs, gaussian, maximum, sqrt
from ..canvas import smoothstep
from ..colour import mix, rgb, turn
from ..noise import SeededRandom, fractal_noise
from ..primitives import capsule, placed
from ..prompt import ParsedPrompt
from ..raymarching import Bound, Distance, Vec, revolved
from .crockery import Speckled, bowl_outline
from .relief import Relief
from .ware import Piece, Ware, material_of, union

_BOWLS = ("#26323f", "#e9e2d4", "#7c2f26", "#33494a", "#3b3a3c")


def ramen(prompt: ParsedPrompt, rng: SeededRandom) -> Ware:
    """Noodles in broth with egg, pork, spring onions, a fish cake and nori, two sticks on the rim."""
    radius, height = 0.8, rng.between(0.48, 0.54)
    level = height * 0.8
    relief = Relief(radius, level, rgb("#a8561c"))
    _broth(relief, rng.fork("broth"))
    _noodles(relief, rng.fork("noodles"), level)
    flip = rng.sign()
    _pork(relief, -0.3 * flip, 0.24, level + 0.075)
    _pork(relief, -0.06 * flip, 0.38, level + 0.095)
    _egg(relief, 0.3 * flip, -0.12, level + 0.1, rng.between(-0.4, 0.4))
    _egg(relief, 0.38 * flip, 0.16, level + 0.1, rng.between(0.3, 1.0))
    _swirl(relief, -0.38 * flip, -0.14, level + 0.085)
    _onions(relief, rng.fork("onions"), level)
    top, paint = relief.surface(radius * 0.9)
    nori = placed(_sheet(0.17, 0.24), 0.28 * flip, height + 0.06, 0.42, turn=-0.35 * flip, pitch=0.28)
    bowl = revolved(bowl_outline(radius, height, level))
    # The sticks lie over the rim, their ends toward the viewer.
    rim = height + 0.045
    sticks = tuple(
        capsule(
            (-flip * (0.98 + 0.05 * n), rim - 0.005, -0.5 + 0.1 * n),
            (flip * 0.46, rim + 0.05, -0.5 - 0.02 * n),
            0.024,
            0.015,
        )
        for n in range(2)
    )
    wood = rgb("#8a4a28")
    pieces = (
        Piece(bowl, Speckled(rgb(prompt.tint("vessel") or rng.pick(_BOWLS)), rng), 1.0),
        Piece(top, paint, paint.gloss),
        Piece(nori, rgb("#16241a"), 0.5, (0.28 * flip, height + 0.06, 0.42, 0.32)),
        Piece(sticks[0], wood, 0.7, (-flip * 0.26, rim + 0.02, -0.5, 0.78)),
        Piece(sticks[1], wood, 0.7, (-flip * 0.28, rim + 0.02, -0.47, 0.8)),
    )
    return Ware(
        union(pieces),
        Bound(1.12, height + 0.36),
        material=material_of(pieces),
        steams=True,
        above=1.9,
        near=1.42,
    )


def _sheet(wide: float, high: float) -> Distance:
    def distance(p: Vec) -> Array:
        ripple = 0.012 * np.sin(p[0] * 16.0)
        u, v, w = fabs(p[0]) - wide, fabs(p[1]) - high, fabs(p[2] + ripple) - 0.008
        return maximum(maximum(u, v), w) * 0.85

    return distance


def _broth(relief: Relief, rng: SeededRandom) -> None:
    cloud = fractal_noise(rng, cells=4, octaves=4).at(relief.x * 0.5, relief.z * 0.5)
    relief.tint(rgb("#c98032"), smoothstep(-0.2, 0.7, cloud) * 0.6)
    for _ in range(60):
        x, z = rng.between(-0.7, 0.7), rng.between(-0.7, 0.7)
        eye = relief.disc(x, z, rng.between(0.008, 0.03))
        relief.tint(rgb("#e0a040"), clip(eye * (-1.0 / relief.px) + 0.5) * 0.5)
        relief.tint(rgb("#f4cf7a"), gaussian((eye + 0.002) * 260.0) * 0.6)


def _noodles(relief: Relief, rng: SeededRandom, level: float) -> None:
    """Bundles of strands, each combed in a direction of its own."""
    bend = fractal_noise(rng.fork("bend"), cells=2, octaves=2)
    for _ in range(9):
        x, z = rng.between(-0.45, 0.45), rng.between(-0.55, 0.3)
        angle = rng.between(-0.9, 0.9)
        cos, sin = math.cos(angle), math.sin(angle)
        warp = bend.at(relief.x * 0.5 + x, relief.z * 0.5 + z) * 0.09
        u = (relief.x - x) * cos + (relief.z - z) * sin
        v = (relief.z - z) * cos - (relief.x - x) * sin + warp + 0.35 * u * u
        strand = v * (1.0 / 0.05)
        off = (strand - np.floor(strand)) * 2.0 - 1.0
        crown = sqrt(clip(1.0 - off * off, 0.02))
        reach = sqrt((u * 0.75) ** 2 + (v * 1.5) ** 2)
        dome = level + 0.075 - 0.12 * reach
        tone = rgb("#f0cd85")[:, None, None] * (0.5 + 0.55 * crown) + 0.03 * np.sin(np.floor(strand) * 2.4)
        relief.put(reach - 0.34 - 0.03 * np.sin(np.floor(strand) * 5.1), dome + 0.03 * crown, tone, gloss=0.8)


def _pork(relief: Relief, x: float, z: float, level: float) -> None:
    slice_ = relief.disc(x, z, 0.21, squeeze=0.86)
    angle = np.arctan2(relief.z - z, relief.x - x)
    away = slice_ + 0.21
    fat = smoothstep(0.35, 0.75, np.sin(away * 46.0 + angle * 1.0))
    meat = mix(rgb("#c98a70"), rgb("#8a4a38"), 0.2)[:, None, None] * (
        1.0 + 0.1 * np.sin(angle * 9.0 + away * 30.0)
    )
    tone = meat + (rgb("#efd2b8")[:, None, None] - meat) * (fat * 0.75)
    edge = smoothstep(-0.03, -0.008, slice_)
    tone = tone + (rgb("#6a3018")[:, None, None] - tone) * edge
    relief.put(slice_, level + 0.05 * (relief.z - z) + 0.02 * (1.0 - edge), tone, gloss=0.7)


def _egg(relief: Relief, x: float, z: float, level: float, turn_: float) -> None:
    white = relief.disc(x, z, 0.165, squeeze=0.78, turn=turn_)
    dome = 0.05 * sqrt(clip(white * -9.0, 0.0, 1.0))
    relief.put(white, level + dome, rgb("#f6efe2"), gloss=0.9)
    relief.tint(rgb("#d9b48a"), gaussian((white + 0.004) * 90.0) * 0.5)
    yolk = relief.disc(x + 0.012, z, 0.088, squeeze=0.9, turn=turn_)
    core = rgb("#e8891a")[:, None, None] * (1.0 - 0.25 * smoothstep(-0.05, 0.0, yolk))
    relief.put(yolk, level + 0.05 - 0.12 * clip(-yolk, 0.0, 0.06), core, gloss=1.6)


def _swirl(relief: Relief, x: float, z: float, level: float) -> None:
    """A fish cake: a white flower with a pink spiral."""
    angle = np.arctan2(relief.z - z, relief.x - x)
    edge = relief.disc(x, z, 0.125) + 0.01 * fabs(np.sin(angle * 6.0))
    relief.put(edge, level, rgb("#f6f0ea"), gloss=0.6)
    away = relief.disc(x, z, 0.0)
    spiral = np.sin(away * 75.0 - angle)
    relief.tint(rgb("#dc6a86"), smoothstep(0.45, 0.7, spiral) * smoothstep(0.09, 0.08, away))


def _onions(relief: Relief, rng: SeededRandom, level: float) -> None:
    for _ in range(46):
        away, angle = 0.3 * math.sqrt(rng.between(0.0, 1.0)), rng.between(0.0, 6.28)
        x, z = away * math.cos(angle) * 1.2, away * math.sin(angle) - 0.12
        radius = rng.between(0.022, 0.036)
        ring = fabs(relief.disc(x, z, radius, squeeze=rng.between(0.7, 1.0), turn=angle)) - 0.0085
        green = turn(rgb("#6f9f3a"), hue=rng.between(-0.02, 0.03), value=rng.between(0.75, 1.25))
        relief.put(ring, level + rng.between(0.12, 0.135), green, gloss=0.7)


def pizza(prompt: ParsedPrompt, rng: SeededRandom) -> Ware:
    """A margherita on a board: blistered rim, tomato, mozzarella, basil."""
    radius = 0.92
    relief = Relief(1.02, 0.06, rgb("#d9a05c"))
    bumps = fractal_noise(rng.fork("bumps"), cells=5, octaves=5).at(relief.x * 0.5, relief.z * 0.5)
    away = relief.disc(0.0, 0.0, radius) + 0.025 * bumps
    crust = gaussian((away + 0.085) * 11.0)
    dough = rgb("#d99b52")[:, None, None] * (1.0 + 0.14 * bumps)
    relief.put(away, 0.075 + 0.085 * crust + 0.012 * bumps, dough, gloss=0.3)
    relief.tint(
        rgb("#4a2410"), smoothstep(0.3, 0.75, bumps + 0.5 * crust - 0.15) * smoothstep(-0.2, -0.1, away) * 0.7
    )
    sauce = relief.disc(0.0, 0.0, radius - 0.17) + 0.05 * bumps
    red = rgb("#b8321a")[:, None, None] * (1.0 + 0.2 * bumps)
    relief.put(sauce, 0.085 + 0.012 * bumps, red, gloss=1.0)
    for n in range(9):
        angle, far = n * 2.4 + rng.between(-0.2, 0.2), 0.62 * math.sqrt((n + 0.6) / 9)
        x, z = far * math.cos(angle), far * math.sin(angle)
        melt = relief.disc(x, z, rng.between(0.12, 0.18)) + 0.06 * bumps
        cheese = rgb("#f8ecd2")[:, None, None] * (1.0 - 0.1 * smoothstep(0.0, 0.6, bumps))
        relief.put(melt, 0.098 + 0.1 * clip(melt * -2.0, 0.0, 0.25), cheese, gloss=1.0)
        relief.tint(rgb("#c98a3c"), smoothstep(0.35, 0.8, bumps) * clip(melt * -30.0) * 0.6)
    for n in range(6):
        angle, far = n * 1.05 + rng.between(-0.3, 0.3), rng.between(0.2, 0.52)
        x, z = far * math.cos(angle), far * math.sin(angle)
        spin = rng.between(0.0, 3.1)
        leaf = relief.disc(x, z, 0.115, squeeze=0.52, turn=spin)
        u = (relief.x - x) * math.cos(spin) + (relief.z - z) * math.sin(spin)
        v = (relief.z - z) * math.cos(spin) - (relief.x - x) * math.sin(spin)
        green = rgb("#3f7a2c")[:, None, None] * (
            1.0 + 0.4 * gaussian(v * 90.0) + 0.15 * np.sin((fabs(v) * 0.8 + u) * 120.0)
        )
        relief.put(leaf, 0.14 + 0.25 * fabs(v), green, gloss=0.8)
    top, paint = relief.surface(radius + 0.04)
    board = revolved(((0.0, 0.0), (1.06, 0.0), (1.08, 0.02), (1.06, 0.045), (0.0, 0.045)), rounds=1)
    pieces = (Piece(board, rgb("#7a4f2e"), 0.4), Piece(top, paint, paint.gloss))
    return Ware(union(pieces), Bound(1.12, 0.24), material=material_of(pieces), above=2.0, near=1.2)
