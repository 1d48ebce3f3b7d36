"""Furniture of a room in addition to its seat: a floor lamp, shelves of books, a rug."""

from collections.abc import Callable

import numpy as np

from ..arrays import Array, fabs, maximum, sqrt
from ..canvas import Band, blend, coverage, smoothstep
from ..colour import mix, rgb, turn
from ..noise import SeededRandom

# Draws a lit form: colour, signed distance, light 0..1, the window (rows, columns) it is in.
DrawForm = Callable[[Array, Array, Array, tuple[slice, slice]], None]

_SPINES = ("#a8452f", "#2f4a5c", "#d9a441", "#e4dac6", "#5a6b4a", "#7a3b46", "#c98a5a", "#39464f", "#8fa08c")


class FloorLamp:
    """A slim stem with a shade that glows, at (x, foot)."""

    def __init__(self, x: float, foot: float, colour: Array, *, on: bool) -> None:
        """``on`` is whether it is lit."""
        self.x, self.foot = x, foot
        self.height = 1.22
        self._colour, self._on = colour, on

    def paint(self, picture: Array, band: Band, draw_form: DrawForm) -> None:
        """Stem, foot, shade and the light in it."""
        window = band.window(self.x - 0.34, self.x + 0.34, self.foot - 0.06, self.foot + self.height + 0.25)
        if window is None:
            return
        x, y = band.x[:, window[1]] - self.x, band.y[window[0]] - self.foot
        part = picture[(slice(None), *window)]
        flat = sqrt(x * x + y * y * 30.0)
        blend(part, rgb("#140d0a"), smoothstep(0.26, 0.1, flat) * 0.5)
        metal = rgb("#3a2c22")
        shine = smoothstep(0.02, -0.01, x) * 0.8
        draw_form(metal, maximum(fabs(x) - 0.011, fabs(y - 0.6) - 0.6), shine, window)
        draw_form(metal, sqrt(x * x + y * y * 16.0) - 0.13, smoothstep(0.15, -0.1, x) * 0.7, window)
        rise = y - self.height
        shade = maximum(fabs(x) - 0.235 + 0.38 * (rise + 0.14), fabs(rise) - 0.14)
        linen = mix(self._colour, rgb("#fff4e0"), 0.25)
        draw_form(linen, shade, smoothstep(0.3, -0.25, x) * 0.9 + 0.0 * y, window)
        glow = np.exp(-((x * 5.0) ** 2) - ((rise + 0.04) * 7.0) ** 2)
        strength = 1.5 if self._on else 0.55
        warm = mix(rgb("#ffdca0"), linen, 0.3)
        inside = coverage(shade, band.px)
        for c in range(3):
            part[c] += warm[c] * glow * inside * strength

    def light(self, picture: Array, band: Band) -> None:
        """The pool of light on the wall around the shade."""
        dx, dy = band.x - self.x, band.y - (self.foot + self.height)
        far = sqrt(dx * dx + dy * dy)
        # The shade is open above and below: two cones of light.
        cone = smoothstep(0.0, 0.5, fabs(dy) - fabs(dx) * 0.75 + 0.16)
        pool = np.exp(far * -1.7) * (0.35 + 0.65 * cone) * (1.7 if self._on else 0.5)
        warm = rgb("#ffc47a")
        for c in range(3):
            picture[c] *= 1.0 + warm[c] * pool


class Shelves:
    """Two boards of books on the wall around (x, y)."""

    def __init__(self, x: float, y: float, rng: SeededRandom) -> None:
        """Fill the boards."""
        self.x, self.y = x, y
        self._books: list[tuple[float, float, float, float, str, float]] = []
        for level in (0.0, 0.36):
            at = -0.46
            while at < 0.4:
                wide, high = rng.between(0.026, 0.056), rng.between(0.17, 0.26)
                if rng.chance(0.12):
                    at += rng.between(0.04, 0.12)
                lean = rng.between(0.1, 0.2) if rng.chance(0.1) else 0.0
                self._books.append((at, level, wide, high, rng.pick(_SPINES), lean))
                at += wide + 0.003 + lean * high

    def paint(
        self,
        picture: Array,
        band: Band,
        shade: Array,
        lit: Callable[[Array, Array], Array],
        draw_form: DrawForm,
    ) -> None:
        """Shadow on the wall, boards, then book by book."""
        window = band.window(self.x - 0.62, self.x + 0.62, self.y - 0.14, self.y + 0.72)
        if window is None:
            return
        x, y = band.x[:, window[1]] - self.x, band.y[window[0]] - self.y
        part = picture[(slice(None), *window)]
        sun = lit(band.x[:, window[1]], band.y[window[0]]) * 0.55 + 0.2
        for level in (0.0, 0.36):
            drop = maximum(fabs(x - 0.02) - 0.54, fabs(y - level + 0.05) - 0.05)
            blend(part, shade * 0.25, smoothstep(0.06, -0.03, drop) * 0.45)
            board = maximum(fabs(x) - 0.54, fabs(y - level + 0.016) - 0.016)
            draw_form(rgb("#8a5c36"), board, sun, window)
        for at, level, wide, high, code, lean in self._books:
            u = x - at - 0.5 * wide - lean * (y - level)
            v = y - level - 0.5 * high
            book = maximum(fabs(u) - 0.5 * wide, fabs(v) - 0.5 * high)
            colour = rgb(code)
            edge = 0.25 * smoothstep(0.5 * wide, -0.5 * wide, u)
            draw_form(colour, book, sun * 0.8 + edge, window)
            band_ = maximum(book + 0.003, fabs(fabs(v) - 0.32 * high) - 0.006)
            draw_form(mix(colour, rgb("#f4e4b8"), 0.6), band_, sun, window)
            draw_form(
                turn(colour, value=0.5),
                fabs(u + 0.5 * wide) - 0.0015 + 0.0 * v + 9.0 * (fabs(v) > 0.5 * high),
                sun * 0.5,
                window,
            )


def rug(
    picture: Array, band: Band, x: float, y: float, wide: float, colour: Array, draw_form: DrawForm
) -> None:
    """A round rug in perspective with two rings."""
    window = band.window(x - wide, x + wide, y - 0.25 * wide, y + 0.25 * wide)
    if window is None:
        return
    u, v = band.x[:, window[1]] - x, (band.y[window[0]] - y) * 4.6
    far = sqrt(u * u + v * v)
    weave = 0.42 + 0.05 * np.sin(far * 70.0)
    draw_form(colour, (far - wide) * 0.3, weave, window)
    for inner in (0.86, 0.62):
        draw_form(mix(colour, rgb("#f3e9d6"), 0.7), (fabs(far - wide * inner) - 0.02) * 0.3, weave, window)
