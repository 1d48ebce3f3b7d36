"""A sneaker: a form given by its height and width from heel to toe, a foam sole, laces, seams."""

import math

import numpy as np

from ..arrays import Array, clip, fabs, maximum, minimum, sqrt
from ..canvas import smoothstep
from ..colour import mix, rgb
from ..noise import SeededRandom, fractal_noise
from ..primitives import ellipsoid
from ..prompt import ParsedPrompt
from ..raymarching import Bound, Vec
from .ware import Piece, Ware, material_of, union

# From heel (-1) to toe (1): height of the upper over the sole, half width at the sole.
_LAST_X = (-1.0, -0.97, -0.9, -0.8, -0.55, -0.3, -0.12, 0.1, 0.35, 0.6, 0.8, 0.93, 1.0)
_LAST_TOP = (0.3, 0.5, 0.6, 0.62, 0.58, 0.6, 0.6, 0.49, 0.375, 0.3, 0.24, 0.16, 0.04)
_LAST_WIDE = (0.06, 0.15, 0.22, 0.25, 0.26, 0.25, 0.25, 0.27, 0.305, 0.315, 0.28, 0.19, 0.06)
_SOLE = 0.17
_FINE = 481
_SETS = (
    ("#f1ede4", "#d9532c", "#26323f"),
    ("#2b3a55", "#f0b63c", "#f1ede4"),
    ("#e9e4d8", "#3f7f6a", "#c9b08a"),
    ("#c8452f", "#f3ece0", "#26222a"),
)


def _drawn(values: tuple[float, ...]) -> Array:
    """A smooth curve through the given values, at evenly spaced places."""
    x = np.linspace(-1.0, 1.0, _FINE)
    rough = np.interp(x, _LAST_X, values)
    kernel = np.hanning(61)
    inner = np.convolve(
        np.pad(rough, 30, mode="reflect", reflect_type="odd"), kernel / kernel.sum(), mode="valid"
    )
    # The two ends are smoothed less than the middle, so that they stay round.
    blunt = np.clip((np.abs(x) - 0.86) * 9.0, 0.0, 1.0)
    return (inner * (1.0 - blunt) + rough * blunt).astype(np.float32)


_TOP, _WIDE = _drawn(_LAST_TOP), _drawn(_LAST_WIDE)


class _Last:
    """The form of a shoe, turned and mirrored; ``at`` gives its own coordinates: x is heel to toe."""

    def __init__(self, angle: float, flip: float) -> None:
        self._cos, self._sin, self._flip = math.cos(angle), math.sin(angle), flip

    def at(self, p: Vec) -> Vec:
        x = (p[0] * self._cos + p[2] * self._sin) * self._flip
        return x, p[1], p[2] * self._cos - p[0] * self._sin

    def read(self, curve: Array, x: Array) -> Array:
        place = clip((x + 1.0) * (0.5 * (_FINE - 1)), 0.0, _FINE - 1.001)
        whole = place.astype(np.intp)
        low = curve.take(whole)
        return low + (curve.take(whole + 1) - low) * (place - whole)

    def hull(self, x: Array, y: Array, z: Array) -> Array:
        top, wide = self.read(_TOP, x), self.read(_WIDE, x) * 0.96
        up = maximum(y - _SOLE + 0.06, 0.0) / (top + 0.06)
        lean = 1.0 - 0.38 * clip(y - _SOLE, 0.0, 0.6)
        across = minimum(fabs(z) / (wide * lean), 3.0)
        form = (
            (sqrt(sqrt(across * across * across * across * across) + up * up * up) - 1.0)
            * minimum(wide, top)
            * 0.6
        )
        return maximum(maximum(form, (fabs(x) - 0.985) * 0.8), 0.08 - y)

    def mouth(self, x: Array, y: Array, z: Array, grow: float) -> Array:
        tilted = y - _SOLE - 0.62 + 0.1 * (x + 0.5)
        return ellipsoid(0.36 + grow, 0.36 + grow, 0.155 + grow)((x + 0.5, tilted, z))


def sneaker(prompt: ParsedPrompt, rng: SeededRandom) -> Ware:
    """A low shoe seen from its side, turned a little."""
    flip = rng.sign()
    last = _Last(rng.between(0.25, 0.5) * flip, flip)
    main, accent, third = (rgb(code) for code in rng.pick(_SETS))
    colours = [rgb(colour.code) for colour in prompt.colours]
    if colours:
        main = colours[0]
        accent = colours[1] if len(colours) > 1 else accent if float(main.sum()) > 2.2 else rgb("#f6f1e6")
        third = mix(main, rgb("#17181c"), 0.72) if len(colours) < 3 else colours[2]

    def upper(p: Vec) -> Array:
        x, y, z = last.at(p)
        return _meet(last.hull(x, y, z), -last.mouth(x, y, z, 0.0), 0.05)

    def sole(p: Vec) -> Array:
        x, y, z = last.at(p)
        wide = last.read(_WIDE, x * 0.985) + 0.026
        side = maximum(fabs(z) - wide, fabs(x) - 1.0) * 0.7
        lift = fabs(y - 0.5 * _SOLE - 0.012 - _spring(x)) - 0.5 * _SOLE
        u, v = maximum(side + 0.03, 0.0), maximum(lift + 0.03, 0.0)
        return (sqrt(u * u + v * v) + minimum(maximum(side, lift) + 0.03, 0.0) - 0.03) * 0.9

    def laces(p: Vec) -> Array:
        x, y, z = last.at(p)
        row = (x - 0.12 * fabs(z)) * (1.0 / 0.088)
        off = (row - np.floor(row + 0.5)) * 0.088
        skin = last.hull(x, y, z) * 1.25 - 0.012
        tube = sqrt(off * off + skin * skin) - 0.024
        zone = maximum(fabs(x - 0.14) - 0.29, fabs(z) - 0.135)
        return maximum(tube, zone) * 0.8

    def tongue(p: Vec) -> Array:
        x, y, z = last.at(p)
        return ellipsoid(0.1, 0.23, 0.13)((x + 0.16 + 0.45 * (y - _SOLE - 0.55), y - _SOLE - 0.55, z)) * 0.8

    pieces = (
        Piece(upper, _Upper(last, main, accent, third, rng), 0.3),
        Piece(sole, _Sole(last, accent), 0.3),
        Piece(laces, rgb("#f7f3ea"), 0.15),
        Piece(tongue, main * 0.9, 0.2),
    )
    return Ware(union(pieces), Bound(1.06, 0.98), material=material_of(pieces), above=0.22, near=0.97)


def _spring(x: Array) -> Array:
    """How far the sole lifts off the floor at toe and heel."""
    return 0.055 * smoothstep(0.55, 1.05, x) + 0.03 * smoothstep(-0.7, -1.05, x)


def _meet(a: Array, b: Array, reach: float) -> Array:
    """The intersection of two solids with a rounded edge."""
    h = clip(reach - fabs(a - b), 0.0, reach) * (1.0 / reach)
    return maximum(a, b) + h * h * (reach * 0.25)


class _Upper:
    """Knit and overlays: toe cap, heel counter, a wave along the side, eyelets, stitching."""

    def __init__(self, last: _Last, main: Array, accent: Array, third: Array, rng: SeededRandom) -> None:
        self._last, self._main, self._accent, self._third = last, main, accent, third
        self._knit = fractal_noise(rng.fork("knit"), cells=64, octaves=2)

    def __call__(self, p: Vec) -> Array:
        x, y, z = self._last.at(p)
        weave = 0.07 * np.sin(x * 210.0) * np.sin((y + z) * 210.0) + 0.05 * self._knit.at(x, y + z)
        tone = self._main[:, None] * (1.0 + weave)

        def over(edge: Array, colour: Array, strength: float = 1.0) -> None:
            inside = smoothstep(0.004, -0.004, edge) * strength
            tone[:] += (colour[:, None] - tone) * inside

        top = self._last.read(_TOP, x)
        rise = y - _SOLE
        toe = 0.56 - x + 0.45 * rise - 0.6 * z * z
        heel = x + 0.7 + 0.3 * (rise - 0.28)
        stay = maximum(fabs(x - 0.13) - 0.34, top * 0.8 - rise - 0.25 * fabs(z))
        over(stay, self._main * 0.78)
        for edge in (toe, heel):
            over(edge, self._third)
            dash = smoothstep(-0.2, 0.3, np.sin((y + x * 0.5 + z) * 150.0))
            seam = smoothstep(0.006, 0.003, fabs(edge - 0.022)) * dash
            tone += (self._accent[:, None] - tone) * (seam * 0.7)
        over(rise - 0.055 - 0.02 * np.sin(x * 6.0), self._third)
        wave = rise - 0.17 - 0.17 * np.sin(x * 2.6 - 0.75) * smoothstep(0.75, 0.1, x)
        over(fabs(wave) - 0.045 * smoothstep(0.72, 0.0, x) * smoothstep(-0.95, -0.4, x) + 0.004, self._accent)
        row = (x - 0.02) * (1.0 / 0.088)
        off = (row - np.floor(row + 0.5)) * 0.088
        eye = sqrt(off * off + (fabs(z) - 0.15) ** 2) - 0.016
        over(maximum(eye, fabs(x - 0.14) - 0.29), rgb("#3a3634"))
        over(self._last.mouth(x, y, z, 0.012), rgb("#2a2624"), 0.85)
        return tone


class _Sole:
    """White foam over a strip of rubber."""

    def __init__(self, last: _Last, accent: Array) -> None:
        self._last, self._accent = last, accent

    def __call__(self, p: Vec) -> Array:
        x, y, _ = self._last.at(p)
        level = y - _spring(x)
        rubber = smoothstep(0.042, 0.036, level)
        grooves = 1.0 - 0.2 * smoothstep(0.6, 0.9, np.sin(x * 46.0)) * smoothstep(0.11, 0.06, level)
        line = smoothstep(0.006, 0.002, fabs(level - 0.125))
        tone = rgb("#f4f0e6")[:, None] * (grooves - 0.18 * line)
        return tone + ((self._accent * 0.8)[:, None] - tone) * rubber
