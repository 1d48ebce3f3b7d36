"""The face of a portrait: eyes, nose, mouth, beard, glasses."""

import math

import numpy as np

from ..arrays import Array, clip, fabs, gaussian, maximum, minimum, sqrt
from ..canvas import blend, coverage, smoothstep
from ..colour import mix, rgb, turn
from .sitter import Sitter
from .studio import Studio, oval

_FRECKLES = tuple((math.sin(n * 2.4) * (0.07 + 0.011 * n), math.cos(n * 1.7) * 0.035) for n in range(13))


def head_shape(x: Array, y: Array, jaw: float) -> Array:
    """A signed distance to an egg with a chin, in face units."""
    lower = maximum(0.08 - y, 0.0)
    half = 0.29 - (0.46 / jaw) * lower * lower - 0.05 * lower
    up = fabs((y - 0.14) * (1.0 / 0.43))
    across = x / maximum(half, 0.05)
    return (sqrt(across * across + up**2.35) - 1.0) * 0.28


class Face:
    """Paints the features of a face in face coordinates."""

    def __init__(self, sitter: Sitter, studio: Studio, *, jaw: float) -> None:
        """Prepare the tones of the skin; ``jaw`` scales the width of the chin."""
        self._sitter, self._studio = sitter, studio
        self._jaw = jaw * (1.05 if sitter.short else 0.96)
        dim = studio.dim
        skin = sitter.skin
        self._ink = mix(turn(skin, value=0.28), rgb("#2a1612"), 0.55) * dim
        self._deep = turn(skin, saturation=1.1, value=0.66) * dim
        self._line = turn(skin, saturation=1.1, value=0.5) * dim

    def outline(self, x: Array, y: Array) -> Array:
        """A signed distance to the head."""
        return head_shape(x, y, self._jaw)

    def paint(self, part: Array, x: Array, y: Array, px: float) -> None:
        """Paint the features over a head."""
        sitter = self._sitter
        if sitter.freckles:
            for fx, fy in _FRECKLES:
                spot = sqrt((x - fx) ** 2 + (y - 0.005 - fy) ** 2) - 0.0055
                blend(part, self._deep, coverage(spot, px) * 0.5)
        if sitter.old:
            self._wrinkles(part, x, y, px)
        for side in (-1.0, 1.0):
            self._eye(part, (x - (side * 0.122)) * side, y, side, px)
        self._nose(part, x, y, px)
        if sitter.beard:
            self._beard(part, x, y, px)
        self._mouth(part, x, y, px)
        if sitter.glasses or sitter.sunglasses:
            self._spectacles(part, x, y, px)

    def _eye(self, part: Array, ex: Array, y: Array, side: float, px: float) -> None:
        sitter, dim = self._sitter, self._studio.dim
        ey = y - 0.085
        brow = mix(sitter.hair, self._ink, 0.35) * dim
        arc = y - 0.175 + (ex - 0.01) ** 2 * 3.2 - ex * 0.06
        thick = (0.016 if sitter.old else 0.012) * (1.0 - smoothstep(0.02, 0.09, ex) * 0.6)
        blend(part, brow, coverage(maximum(fabs(arc) - thick, fabs(ex) - 0.075), px))
        socket = gaussian(ex * 11.0) * gaussian((ey - 0.03) * 20.0)
        blend(part, turn(sitter.skin, saturation=1.1, value=0.72) * dim, socket * 0.3)
        if sitter.eyes_open:
            round_lid = ex * (1.0 / 0.068)
            eye = coverage(fabs(ey) - 0.034 * maximum(1.0 - round_lid * round_lid, -0.2), px)
            blend(part, rgb("#f4eee6") * (0.86 * dim), eye)
            ball = ex - (0.004 * side)
            away = sqrt(ball * ball + ey * ey)
            blend(part, sitter.eye_colour * (0.95 * dim), eye * coverage(away - 0.03, px))
            blend(part, sitter.eye_colour * (0.35 * dim), eye * coverage(fabs(away - 0.028) - 0.004, px))
            blend(part, rgb("#120c0a"), eye * coverage(away - 0.013, px))
            gx, gy = ex * side - (0.01 * self._studio.side), ey - 0.011
            blend(part, rgb("#ffffff"), eye * coverage(sqrt(gx * gx + gy * gy) - 0.007, px))
            lid = ex * (1.0 / 0.072)
            lash = fabs(ey - 0.034 * (1.0 - lid * lid)) - 0.0075
        else:
            lash = fabs(ey - (ex * ex * 4.6 - 0.018)) - 0.0075
        blend(part, self._ink, coverage(maximum(lash, fabs(ex) - 0.075), px))

    def _nose(self, part: Array, x: Array, y: Array, px: float) -> None:
        """The shaded side and a small line under it."""
        side = x * -self._studio.side
        bridge = smoothstep(0.0, 0.012, side) * smoothstep(0.046, 0.02, side - (0.1 - y) * 0.12)
        bridge = bridge * smoothstep(-0.055, -0.035, y) * smoothstep(0.15, 0.04, y)
        blend(part, self._deep, bridge * 0.55)
        under = fabs(y + 0.052 - x * x * 3.0) - 0.0055
        blend(part, self._line, coverage(maximum(under, fabs(x) - 0.038), px) * 0.8)

    def _mouth(self, part: Array, x: Array, y: Array, px: float) -> None:
        skin, dim = self._sitter.skin, self._studio.dim
        lip = mix(turn(skin, value=0.68), rgb("#a8323a"), 0.15 if self._sitter.short else 0.55) * dim
        u, v = x * (1.0 / 0.082), x * (1.0 / 0.068)
        bow = 0.02 * (1.0 - u * u) - 0.008 * gaussian(x * 60.0)
        mouth = y + 0.142
        if self._sitter.beard:
            mouth, bow = y + 0.15, bow * 0.35
        upper = maximum(mouth - bow, -mouth)
        lower = maximum(mouth, -mouth - 0.03 * maximum(1.0 - v * v, 0.0))
        inside = fabs(x) - (0.06 if self._sitter.beard else 0.082)
        blend(part, turn(lip, value=0.8), coverage(maximum(upper, inside), px))
        blend(part, lip, coverage(maximum(lower, inside), px))

    def _beard(self, part: Array, x: Array, y: Array, px: float) -> None:
        sitter, studio = self._sitter, self._studio
        chin = 0.3 if sitter.long_beard else 0.12
        combed = 0.012 * np.sin(x * 70.0 + y * 14.0) + 0.009 * np.sin(x * 131.0 - y * 23.0)
        bush = oval(x, y + 0.19, 0.235, chin + 0.06) - combed
        whole = minimum(self.outline(x, y) - 0.028, bush)
        edge = -0.082 + 2.3 * x * x + combed * 0.4
        shape = maximum(whole, y - edge)
        tone = clip(studio.across(x, y + 0.2, 0.26) * 0.85 + combed * 14.0, 0.0, 1.1)
        value = 0.96 if sitter.old else 0.72
        studio.paint(part, turn(sitter.beard_colour, value=value), tone, coverage(shape, px))
        # The moustache: two wings under the nose.
        wing = fabs(x) - 0.055
        drop = y + 0.095 + 0.9 * wing * wing + 0.25 * maximum(wing, 0.0)
        wings = maximum(fabs(drop) - 0.026 * (1.0 - smoothstep(0.02, 0.085, wing)), fabs(x) - 0.14)
        studio.paint(part, turn(sitter.beard_colour, value=value * 1.05), tone + 0.15, coverage(wings, px))

    def _wrinkles(self, part: Array, x: Array, y: Array, px: float) -> None:
        """Lines on the brow, next to the eyes and down the cheeks."""
        for n, level in enumerate((0.235, 0.265)):
            line = fabs(y - level - 0.006 * np.sin(x * 26.0 + n)) - 0.003
            blend(part, self._line, coverage(maximum(line, fabs(x) - (0.13 - 0.03 * n)), px) * 0.35)
        away = fabs(x)
        for slope in (-0.35, 0.0, 0.35):
            line = fabs(y - 0.085 - (away - 0.2) * slope) - 0.0025
            blend(part, self._line, coverage(maximum(line, fabs(away - 0.222) - 0.022), px) * 0.45)
        fold = fabs(away - 0.075 - 0.42 * (-0.03 - y)) - 0.0032
        blend(part, self._line, coverage(maximum(fold, fabs(y + 0.08) - 0.05), px) * 0.5)
        bag = fabs(y - 0.036 + 2.2 * (away - 0.122) ** 2) - 0.0028
        blend(part, self._line, coverage(maximum(bag, fabs(away - 0.122) - 0.055), px) * 0.4)

    def _spectacles(self, part: Array, x: Array, y: Array, px: float) -> None:
        dark = self._sitter.sunglasses
        rim = rgb("#1d1715")
        away = fabs(x) - 0.13
        lens = sqrt(away * away + (y - 0.082) ** 2) - 0.1
        glass = coverage(lens, px)
        blend(part, rgb("#17181c") if dark else rgb("#e8f0f4"), glass * (0.97 if dark else 0.1))
        slant = x * 0.8 + (y - 0.08)
        gleam = smoothstep(0.012, 0.008, fabs(slant - np.sign(x) * 0.104 - 0.015)) * glass
        blend(part, rgb("#ffffff"), gleam * (0.25 if dark else 0.4))
        blend(part, rim, coverage(fabs(lens) - 0.0075, px))
        bridge = maximum(fabs(y - 0.1 + 1.2 * x * x) - 0.007, fabs(x) - 0.032)
        arms = maximum(fabs(y - 0.1) - 0.007, fabs(fabs(x) - 0.26) - 0.034)
        blend(part, rim, coverage(minimum(bridge, arms), px))
