"""Fruit on the product table, loose or in a bowl."""

import math

import numpy as np

from ..arrays import Array, fabs, gaussian, minimum, sqrt
from ..canvas import smoothstep
from ..colour import rgb, turn
from ..noise import SeededRandom, fractal_noise
from ..primitives import capsule, ellipsoid, placed
from ..prompt import ParsedPrompt
from ..raymarching import Bound, Distance, Vec, revolved, softmin
from .crockery import Speckled, bowl_outline
from .ware import Piece, Ware, material_of, union

# Half length, half height and the colours of each fruit.
_FRUIT: dict[str, tuple[float, float, str, str]] = {
    "apple": (0.27, 0.25, "#b3221c", "#d9a13a"),
    "orange": (0.27, 0.265, "#e87a17", "#f09a2c"),
    "lemon": (0.27, 0.205, "#ecc521", "#f4de55"),
    "lime": (0.23, 0.2, "#7fa32a", "#a9c24a"),
    "peach": (0.26, 0.25, "#e88a62", "#f3c07a"),
    "pear": (0.25, 0.3, "#a8a838", "#cdb94e"),
    "plum": (0.22, 0.22, "#4a1f42", "#7a3a62"),
    "cherry": (0.17, 0.16, "#8e1226", "#b82a3a"),
}


def fruit(prompt: ParsedPrompt, rng: SeededRandom) -> Ware:
    """Fruit of one kind, or of three, loose on the table or in a bowl."""
    text = prompt.text.casefold()
    kinds = [kind for kind in _FRUIT if kind in text] or ["orange", "apple", "lemon"]
    bowl = "vessel" in prompt.extras
    own = next((rgb(colour.code) for colour in prompt.colours if colour.name not in _FRUIT), None)
    base, spread = (0.3, 0.36) if bowl else (0.0, 0.52)
    spots: list[tuple[float, float, float]] = []
    if bowl:
        spots = [
            (spread * math.sin(n * 1.257 + 0.5), 0.0, spread * math.cos(n * 1.257 + 0.5)) for n in range(5)
        ]
        spots += [(0.19, 0.3, 0.1), (-0.2, 0.29, -0.04), (0.03, 0.31, -0.24)]
    else:
        flip = rng.sign()
        spots = [
            (-0.3 * flip, 0.0, 0.1),
            (0.27 * flip, 0.0, 0.22),
            (0.06 * flip, 0.0, -0.3),
            (0.72 * flip, 0.0, -0.06),
        ]
    pieces: list[Piece] = []
    for number, (x, y, z) in enumerate(spots):
        kind = kinds[number % len(kinds)]
        long, high, code, ripe = _FRUIT[kind]
        colour = own if own is not None else rgb(code)
        blush = turn(colour, value=1.15) if own is not None else rgb(ripe)
        scale = rng.between(0.94, 1.05)
        shape = _fruit_shape(kind, long * scale, high * scale)
        angle = rng.between(-0.9, 0.9) + (math.pi if rng.chance(0.5) else 0.0)
        lean = rng.between(-0.5, 0.5) if kind not in {"pear", "apple"} else rng.between(-0.25, 0.25)
        middle = base + y + high * scale * (0.72 if bowl and y == 0 else 1.0)
        shape = placed(shape, x, middle, z, turn=angle, pitch=lean)
        peel = _Peel(colour, blush, kind, (x, middle, z), rng.fork(str(number)))
        pieces.append(Piece(shape, peel, 0.55, (x, middle, z, 0.36 if kind != "pear" else 0.52)))
    if bowl:
        radius, height = 0.74, 0.4
        profile = bowl_outline(radius, height, 0.3)
        codes = ("#e9e2d4", "#33494a", "#7d94a0", "#c9b8a0", "#2f4a6a")
        pieces.insert(
            0, Piece(revolved(profile), Speckled(rgb(prompt.tint("vessel") or rng.pick(codes)), rng), 1.0)
        )
    made = tuple(pieces)
    bound = Bound(0.78, 0.96) if bowl else Bound(1.06, 0.62)
    return Ware(union(made), bound, material=material_of(made), above=0.75 if bowl else 0.45)


def _fruit_shape(kind: str, long: float, high: float) -> Distance:
    body = ellipsoid(long, high, high if kind == "lemon" else long)
    if kind == "lemon":

        def lemon(p: Vec) -> Array:
            # A tip at both ends.
            tip = sqrt((fabs(p[0]) - long) ** 2 + p[1] * p[1] + p[2] * p[2]) - 0.045
            return softmin(body(p), tip, 0.12)

        return lemon
    if kind == "pear":
        neck = ellipsoid(0.13, 0.2, 0.13)

        def pear(p: Vec) -> Array:
            return softmin(body(p), neck((p[0], p[1] - 0.3, p[2])), 0.2)

        return pear
    stalk = capsule((0.0, high * 0.7, 0.0), (0.03, high * 1.25, 0.0), 0.012)
    dent = 0.0 if kind == "orange" else 0.35

    def round_(p: Vec) -> Array:
        away = sqrt(p[0] * p[0] + p[2] * p[2])
        hollow = dent * high * gaussian(away * (2.6 / long)) * smoothstep(0.0, high, p[1])
        skin = body(p) * 0.9 + hollow * 0.5
        return skin if kind == "orange" else minimum(skin, stalk(p))

    return round_


class _Peel:
    """The skin of one fruit: a blush on one side, pores, speckles."""

    def __init__(
        self, colour: Array, blush: Array, kind: str, at: tuple[float, float, float], rng: SeededRandom
    ) -> None:
        self._colour, self._blush, self._position = colour, blush, at
        self._citrus = kind in {"orange", "lemon", "lime"}
        self._cloud = fractal_noise(rng.fork("cloud"), cells=4, octaves=4)
        self._pores = fractal_noise(rng.fork("pores"), cells=64, octaves=2)

    def __call__(self, p: Vec) -> Array:
        x, y, z = p[0] - self._position[0], p[1] - self._position[1], p[2] - self._position[2]
        u, v = np.arctan2(x, -z) * 0.2, y * 0.6
        cloud = self._cloud.at(u, v)
        ripe = smoothstep(-0.3, 0.6, cloud + x * 1.2)
        tone = self._colour[:, None] + (self._blush - self._colour)[:, None] * (
            ripe * (0.5 if self._citrus else 0.4)
        )
        pores = self._pores.at(u * 1.4, v * 1.2)
        if self._citrus:
            return tone * (1.0 + 0.11 * pores)
        return (
            tone
            * (1.0 + 0.16 * smoothstep(0.5, 0.8, pores))
            * (1.0 + 0.035 * np.sin(np.arctan2(x, -z) * 23.0 + cloud * 9.0))
        )
