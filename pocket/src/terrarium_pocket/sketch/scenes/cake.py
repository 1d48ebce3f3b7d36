"""A cake on the product table."""

import math

import numpy as np

from ..arrays import Array, clip, fabs, maximum, sqrt
from ..canvas import smoothstep
from ..colour import mix, rgb
from ..noise import SeededRandom, fractal_noise
from ..primitives import capsule
from ..prompt import ParsedPrompt
from ..raymarching import Bound, Vec, revolved
from .ware import Piece, Ware, material_of, union

_FLAVOURS = {
    "chocolate": ("#4a2a1a", "#7a4a2c"),
    "strawberry": ("#e8a0ac", "#f3dcc0"),
    "carrot": ("#f2e6cf", "#c07a3a"),
    "lemon": ("#f4e3a0", "#ecd48a"),
}


def cake(prompt: ParsedPrompt, rng: SeededRandom) -> Ware:
    """A layer cake on a stand: icing that drips, cream and cherries, candles if it is a birthday."""
    radius, foot, high = 0.6, 0.3, rng.between(0.46, 0.54)
    top = foot + high
    flavour = next(
        (name for name in _FLAVOURS if name in prompt.text.casefold()),
        rng.pick(("strawberry", "carrot", "chocolate")),
    )
    icing_code, crumb_code = _FLAVOURS[flavour]
    own = prompt.colours[0].code if prompt.colours and prompt.colours[0].name not in _FLAVOURS else None
    icing = rgb(prompt.tint("icing") or own or icing_code)
    crumb = rgb(crumb_code) if own is None else mix(icing, rgb("#fff4e4"), 0.72)
    body = revolved(
        (
            (0.0, foot),
            (radius, foot),
            (radius, foot + 0.03),
            (radius, top - 0.06),
            (radius - 0.02, top),
            (0.0, top),
        )
    )
    key = rng.between(0.0, 6.0)

    def drips(p: Vec) -> Array:
        away = sqrt(p[0] * p[0] + p[2] * p[2])
        angle = np.arctan2(p[0], p[2])
        run = 0.11 + 0.07 * np.sin(angle * 9.0 + key) + 0.06 * np.sin(angle * 14.0 + 2.0 * key)
        hem = (top - run) - p[1]
        side = away - radius - 0.022
        lid = p[1] - top - 0.022
        u, v = maximum(side + 0.03, 0.0), maximum(lid + 0.03, 0.0)
        shell = sqrt(u * u + v * v) - 0.03
        return maximum(maximum(shell, hem * 0.55), fabs(maximum(side, lid)) - 0.3)

    count = 10
    pitch = 2 * math.pi / count

    def fold(p: Vec, turned_by: float = 0.0) -> tuple[Array, Array]:
        """The point relative to the nearest of ``count`` places around the axis."""
        angle = np.arctan2(p[0], p[2]) + turned_by
        angle = angle - np.floor(angle * (1.0 / pitch) + 0.5) * pitch
        away = sqrt(p[0] * p[0] + p[2] * p[2])
        return away * np.sin(angle), away * np.cos(angle)

    def cream(p: Vec) -> Array:
        x, z = fold(p)
        z = z - (radius - 0.11)
        y = p[1] - top
        swirl = np.arctan2(x, z) * 5.0 + y * 40.0
        wide = 0.105 * sqrt(clip(1.0 - (y + 0.02) * 5.4)) + 0.008 * np.sin(swirl)
        return maximum(sqrt(x * x + z * z) - wide, maximum(-0.02 - y, y - 0.15)) * 0.6

    def cherries(p: Vec) -> Array:
        x, z = fold(p)
        z = z - (radius - 0.11)
        y = p[1] - top - 0.145
        return sqrt(x * x + y * y + z * z) - 0.058

    stand = revolved(
        (
            (0.0, 0.0),
            (0.34, 0.0),
            (0.36, 0.02),
            (0.12, 0.06),
            (0.08, 0.14),
            (0.12, 0.22),
            (0.78, 0.26),
            (0.82, 0.3),
            (0.8, 0.315),
            (0.74, foot),
            (0.0, foot),
        )
    )
    pieces = [
        Piece(body, _Sponge(crumb, foot, top, rng), 0.15),
        Piece(drips, icing, 0.9),
        Piece(cream, mix(rgb("#fbf3e6"), icing, 0.06), 0.5),
        Piece(cherries, rgb("#a3121f"), 1.8),
        Piece(stand, rgb("#eef0ee"), 1.1),
    ]
    flames: tuple[tuple[float, float, float], ...] = ()
    if "flame" in prompt.extras:
        spots = [(0.3 * math.sin(n * 1.257), 0.3 * math.cos(n * 1.257) * 0.9) for n in range(5)]
        tall = 0.36
        flames = tuple((x, top + tall + 0.09, z) for x, z in spots)
        tones = ("#e2574c", "#f0b541", "#4f9fb8", "#7fb069", "#c77fb5")
        for (x, z), tone in zip(spots, tones, strict=True):
            stick = capsule((x, top, z), (x, top + tall, z), 0.021)
            pieces.append(Piece(stick, _Stripes(rgb(tone)), 0.7, (x, top + 0.5 * tall, z, 0.5 * tall + 0.03)))
    made = tuple(pieces)
    height = top + (0.42 if flames else 0.24)
    return Ware(union(made), Bound(0.86, height), material=material_of(made), flames=flames, above=0.35)


class _Sponge:
    """Layers of crumb with cream between."""

    def __init__(self, colour: Array, foot: float, top: float, rng: SeededRandom) -> None:
        self._colour, self._foot, self._step = colour, foot, (top - foot) / 3.0
        self._crumb = fractal_noise(rng.fork("crumb"), cells=48, octaves=3, gain=0.7)

    def __call__(self, p: Vec) -> Array:
        angle = np.arctan2(p[0], -p[2])
        grain = self._crumb.at(angle * 0.3, p[1] * 0.6)
        row = (p[1] - self._foot) * (1.0 / self._step)
        gap = fabs(row - np.floor(row + 0.5)) * self._step
        cream = smoothstep(0.03, 0.022, gap + 0.004 * grain)
        tone = self._colour[:, None] * (0.9 + 0.16 * grain)
        return tone + (rgb("#faf0e0")[:, None] - tone) * cream


class _Stripes:
    """A candle's twist of two colours, and a black wick."""

    def __init__(self, colour: Array) -> None:
        self._colour = colour

    def __call__(self, p: Vec) -> Array:
        twist = np.sin(p[1] * 70.0 + p[0] * 90.0)
        return self._colour[:, None] + (rgb("#fdf6ea") - self._colour)[:, None] * smoothstep(
            -0.15, 0.15, twist
        )
