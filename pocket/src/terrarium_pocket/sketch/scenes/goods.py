"""Goods on the product table: a perfume bottle, a camera, a stack of books."""

import math

import numpy as np

from ..arrays import Array, fabs, maximum
from ..canvas import smoothstep
from ..colour import mix, rgb, turn
from ..noise import SeededRandom, fractal_noise
from ..primitives import box, cylinder, ellipsoid, placed
from ..prompt import ParsedPrompt
from ..raymarching import Bound, Distance, Vec
from .ware import Albedo, Piece, Ware, material_of, union

_INK = "#16130f"


def perfume(prompt: ParsedPrompt, rng: SeededRandom) -> Ware:
    """A slab of thick glass with scent in it, a collar of metal and a heavy cap."""
    wide, high, deep = rng.between(0.36, 0.44), rng.between(0.42, 0.5), 0.17
    angle = rng.between(0.2, 0.5) * rng.sign()
    code = (
        prompt.colours[0].code
        if prompt.colours
        else rng.pick(("#e0a04a", "#d98a8f", "#a8b86a", "#c9a0c4", "#e0b08a"))
    )
    top = 2 * high
    slab = placed(box(wide, high, deep, 0.06), 0.0, high, 0.0, turn=angle)
    collar = placed(cylinder(0.105, 0.045, 0.01), 0.0, top + 0.04, 0.0)
    round_cap = rng.chance(0.5)
    cap = cylinder(0.15, 0.14, 0.02) if round_cap else box(0.15, 0.13, 0.15, 0.02)
    lid = placed(cap, 0.0, top + 0.21, 0.0, turn=angle)
    metal = rgb("#c9a25a") if rng.chance(0.7) else rgb("#b8bcc2")
    lid_tone = rng.pick((metal, rgb("#17161a"), metal))
    pieces = (
        Piece(slab, _BottleAlbedo(rgb(code), high, wide, deep, angle), 2.2),
        Piece(collar, metal, 4.0),
        Piece(lid, lid_tone, 4.0 if lid_tone is metal else 1.6),
    )
    return Ware(
        union(pieces),
        Bound(wide + 0.16, top + 0.38),
        material=material_of(pieces),
        clear=_GlassBelow(top),
    )


class _BottleAlbedo:
    """The albedo of a perfume bottle: liquid up to its level, thick clear glass, a printed label."""

    def __init__(self, liquid: Array, high: float, wide: float, deep: float, angle: float) -> None:
        self._liquid, self._high, self._wide, self._deep = liquid, high, wide, deep
        self._cos, self._sin = math.cos(angle), math.sin(angle)

    def __call__(self, p: Vec) -> Array:
        u = p[0] * self._cos + p[2] * self._sin
        w = p[2] * self._cos - p[0] * self._sin
        level = self._high * 1.5
        wet = smoothstep(level + 0.01, level - 0.01, p[1]) * smoothstep(0.1, 0.14, p[1])
        wet = wet * smoothstep(self._wide - 0.05, self._wide - 0.07, fabs(u))
        tone = rgb("#e9eef0")[:, None] + (self._liquid - rgb("#e9eef0"))[:, None] * wet
        dark = smoothstep(self._wide - 0.075, self._wide - 0.055, fabs(u)) * smoothstep(
            self._wide - 0.02, self._wide - 0.045, fabs(u)
        )
        tone = tone * (1.0 - 0.3 * dark)
        front = smoothstep(-self._deep + 0.03, -self._deep + 0.01, w)
        x, y = u, p[1] - self._high * 0.86
        ink = smoothstep(0.005, 0.001, fabs(y - 0.02) - 0.02) * smoothstep(0.16, 0.155, fabs(x))
        gap = np.sin(x * 88.0)
        ink = ink * smoothstep(-0.55, -0.35, gap)
        line = smoothstep(0.004, 0.001, fabs(y + 0.05) - 0.002) * smoothstep(0.1, 0.097, fabs(x))
        edge = smoothstep(0.004, 0.0, fabs(maximum(fabs(x) - 0.21, fabs(y + 0.01) - 0.12)) - 0.003)
        mark = maximum(maximum(ink, line), edge) * front
        return tone + (rgb(_INK)[:, None] - tone) * (mark * 0.9)


class _GlassBelow:
    """Transparency at points, shape (n,): glass up to ``top``, opaque metal above."""

    def __init__(self, top: float) -> None:
        self._top = top

    def __call__(self, p: Vec) -> Array:
        return 0.82 * smoothstep(self._top + 0.002, self._top - 0.004, p[1])


def photo_camera(prompt: ParsedPrompt, rng: SeededRandom) -> Ware:
    """A rangefinder: leather body, metal top, a lens with rings and coated glass."""
    angle = rng.between(0.2, 0.42) * rng.sign()
    metal = rgb("#bfc0bd")
    leather = (
        rgb(prompt.colours[0].code) if prompt.colours else rgb(rng.pick(("#1d1a19", "#5a3420", "#26302c")))
    )
    parts: list[Piece] = []

    def add(
        shape: Distance,
        reach: float,
        place: tuple[float, float, float],
        colour: Albedo,
        gloss: float,
        pitch: float = 0.0,
    ) -> None:
        x, y, z = place
        cos, sin = math.cos(angle), math.sin(angle)
        at = x * cos - z * sin, y, x * sin + z * cos
        around = (*at, reach) if parts else None
        parts.append(Piece(placed(shape, *at, turn=angle, pitch=pitch), colour, gloss, around))

    add(box(0.66, 0.25, 0.16, 0.1), 0.73, (0.0, 0.33, 0.0), _LeatherAlbedo(leather, rng), 0.3)
    add(box(0.66, 0.065, 0.15, 0.06), 0.69, (0.0, 0.1, 0.0), metal, 1.8)
    add(box(0.655, 0.09, 0.155, 0.05), 0.69, (0.0, 0.6, 0.0), metal, 1.8)
    add(box(0.24, 0.05, 0.12, 0.03), 0.28, (0.0, 0.7, 0.0), metal, 1.8)
    add(cylinder(0.1, 0.045, 0.012), 0.12, (0.46, 0.72, 0.0), metal * 0.9, 2.0)
    add(cylinder(0.05, 0.035, 0.012), 0.07, (0.26, 0.72, 0.0), metal, 2.0)
    add(cylinder(0.085, 0.03, 0.012), 0.10, (-0.46, 0.71, 0.0), metal * 0.9, 2.0)
    half = math.pi / 2
    add(cylinder(0.27, 0.05, 0.012), 0.28, (0.04, 0.34, -0.19), metal, 2.0, half)
    add(cylinder(0.235, 0.13, 0.02), 0.28, (0.04, 0.34, -0.28), rgb("#1b1a1b"), 1.2, half)
    add(cylinder(0.25, 0.035, 0.012), 0.26, (0.04, 0.34, -0.3), rgb("#2a292a"), 0.8, half)
    add(cylinder(0.21, 0.04, 0.012), 0.22, (0.04, 0.34, -0.42), rgb("#141314"), 1.4, half)
    add(ellipsoid(0.15, 0.15, 0.05), 0.16, (0.04, 0.34, -0.44), _LensAlbedo(), 6.0)
    add(box(0.09, 0.045, 0.01, 0.006), 0.11, (-0.34, 0.6, -0.155), rgb("#10141c"), 5.0)
    add(box(0.05, 0.035, 0.01, 0.006), 0.07, (0.4, 0.6, -0.155), rgb("#10141c"), 5.0)
    pieces = tuple(parts)
    return Ware(union(pieces), Bound(0.84, 0.8), material=material_of(pieces), above=0.2)


class _LeatherAlbedo:
    """Pebbled leather."""

    def __init__(self, colour: Array, rng: SeededRandom) -> None:
        self._colour = colour
        self._grain = fractal_noise(rng.fork("leather"), cells=64, octaves=2)

    def __call__(self, p: Vec) -> Array:
        return self._colour[:, None] * (1.0 + 0.45 * self._grain.at(p[0] * 0.9 + p[2], p[1] * 0.9))


class _LensAlbedo:
    """Coated glass: violet to green to black."""

    def __call__(self, p: Vec) -> Array:
        mixed = 0.5 + 0.5 * np.sin(p[1] * 14.0 + p[0] * 6.0)
        tone = rgb("#0a0c18")[:, None] + (rgb("#3a2f7a") - rgb("#0a0c18"))[:, None] * (mixed * 0.6)
        return tone + rgb("#0e4a4a")[:, None] * (0.4 * (1.0 - mixed))


def books(prompt: ParsedPrompt, rng: SeededRandom) -> Ware:
    """A stack of books, each a little askew."""
    tones = [rgb(colour.code) for colour in prompt.colours] or [
        rgb(code) for code in ("#a8452f", "#2f4a5c", "#d9a441", "#e4dac6", "#5a6b4a")
    ]
    shift = rng.integer(0, 4)
    pieces: list[Piece] = []
    level = 0.0
    for n in range(rng.integer(3, 4)):
        thick, wide, deep = rng.between(0.075, 0.13), rng.between(0.56, 0.68), rng.between(0.4, 0.46)
        angle = rng.between(-0.3, 0.3)
        x = rng.between(-0.04, 0.04)
        colour = tones[(n + shift) % len(tones)]
        cover = placed(box(wide, thick, deep, 0.012), x, level + thick, 0.0, turn=angle)
        pieces.append(Piece(cover, _BookAlbedo(colour, level, thick, wide, deep, x, angle), 0.4))
        level += 2 * thick
    made = tuple(pieces)
    return Ware(union(made), Bound(0.84, level + 0.02), material=material_of(made), above=0.5)


class _BookAlbedo:
    """One book: boards, pages on three sides, a title on the spine that faces the viewer."""

    def __init__(
        self, colour: Array, level: float, thick: float, wide: float, deep: float, x: float, angle: float
    ) -> None:
        self._colour, self._level, self._thick = colour, level, thick
        self._wide, self._deep, self._x = wide, deep, x
        self._cos, self._sin = math.cos(angle), math.sin(angle)

    def __call__(self, p: Vec) -> Array:
        dx = p[0] - self._x
        u, w = dx * self._cos + p[2] * self._sin, p[2] * self._cos - dx * self._sin
        y = (p[1] - self._level) * (1.0 / self._thick) - 1.0
        tone = self._colour[:, None] * np.ones_like(u)
        side = smoothstep(self._wide - 0.02, self._wide - 0.008, fabs(u)) * smoothstep(0.8, 0.74, fabs(y))
        lines = 0.86 + 0.1 * np.sin(y * self._thick * 420.0)
        tone = tone + (rgb("#efe4cc")[:, None] * lines - tone) * side
        spine = smoothstep(-self._deep + 0.012, -self._deep + 0.004, w)
        bars = smoothstep(0.006, 0.002, fabs(fabs(u) - self._wide * 0.78) - 0.01)
        word = smoothstep(0.24, 0.2, fabs(y)) * smoothstep(self._wide * 0.5, self._wide * 0.49, fabs(u))
        word = word * smoothstep(-0.5, -0.2, np.sin(u * 64.0) + 0.4 * np.sin(u * 27.0))
        gold = (
            mix(rgb("#d9b25a"), rgb("#fff2d0"), 0.3)
            if float(self._colour.sum()) < 1.6
            else turn(self._colour, value=0.4)
        )
        return tone + (gold[:, None] - tone) * (spine * maximum(bars, word) * 0.9)
