"""A vase for cut flowers in watercolour: ceramic or glass, on a table, with its shadow."""

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array, clip, fabs, gaussian, maximum, sqrt
from ..canvas import Band, blend, coverage, smoothstep
from ..colour import grey, mix, rgb, turn
from ..noise import NoiseTexture, SeededRandom
from ..palette import Palette
from ..prompt import ParsedPrompt

# Half widths from the foot to the mouth, for a vase 1.0 high.
_OUTLINES = (
    (0.22, 0.33, 0.42, 0.44, 0.4, 0.31, 0.21, 0.17, 0.18, 0.22),
    (0.2, 0.25, 0.29, 0.32, 0.335, 0.34, 0.335, 0.32, 0.29, 0.27),
    (0.26, 0.38, 0.44, 0.42, 0.34, 0.24, 0.16, 0.13, 0.13, 0.15),
)
_LOW = (0.3, 0.45, 0.54, 0.6, 0.63, 0.63, 0.61, 0.57, 0.53, 0.52)
_GLAZES = ("#3f6a8a", "#b5573a", "#3f6b5c", "#c9a24a", "#e6ddcc", "#7a4a5c")


class Vase:
    """Stands at (x, foot); ``mouth`` is the height of its rim."""

    def __init__(
        self,
        prompt: ParsedPrompt,
        palette: Palette,
        rng: SeededRandom,
        x: float,
        foot: float,
        noise: NoiseTexture,
    ) -> None:
        """Choose form and colour; ``x`` and ``foot`` are where it stands."""
        squat = bool({"bowl", "pot", "jar", "mug", "basket"}.intersection(prompt.text.casefold().split()))
        self._outline = _LOW if squat else rng.pick(_OUTLINES)
        self._x, self.foot = x, foot + 0.06
        self._high = 0.42 if squat else rng.between(0.56, 0.64)
        self.mouth = self.foot + self._high
        self.throat = self._outline[-2] * self._high * 0.75
        self.glass = "glass" in prompt.extras
        code = prompt.tint("vessel")
        default = rgb(rng.pick(_GLAZES))
        if prompt.colours and float(np.abs(default - palette.subject).sum()) < 0.25:
            default = turn(default, hue=0.5)
        self._colour = rgb(code) if code else rgb("#cfe0de") if self.glass else default
        self._side = rng.sign()
        self._noise = noise
        self._table = palette.table if prompt.tint("table") else mix(palette.table, rgb("#b98a5c"), 0.4)
        dark = palette.light.dark or palette.name == "moody"
        self._dim = 0.55 if dark else 1.0
        self._dip = rng.between(0.25, 0.45) if not self.glass and rng.chance(0.5) else 0.0

    def _half(self, y: Array) -> Array:
        t = clip((y - self.foot) * (1.0 / self._high)) * 9.0
        widths = np.asarray(self._outline, dtype=np.float32) * self._high
        # A smooth (Hermite) curve through the corners.
        whole: NDArray[np.intp] = np.minimum(t.astype(np.intp), 8)
        low = np.take(widths, whole)
        high = np.take(widths, np.minimum(whole + 1, 9))
        before = np.take(widths, np.maximum(whole - 1, 0))
        after = np.take(widths, np.minimum(whole + 2, 9))
        part = t - whole
        first, last = (high - before) * 0.5, (after - low) * 0.5
        square = part * part
        cube = square * part
        start = low * (2.0 * cube - 3.0 * square + 1.0) + first * (cube - 2.0 * square + part)
        return start + high * (3.0 * square - 2.0 * cube) + last * (cube - square)

    def table(self, picture: Array, band: Band) -> None:
        """A wash for the table and the shadow on it."""
        edge = self.foot + 0.2
        wander = self._noise.at(band.x * 0.3, band.y * 0.3)
        amount = smoothstep(0.0, 0.012 + band.px, edge + 0.008 * wander - band.y)
        if not amount.any():
            return
        streak = self._noise.at(band.x * 0.12, band.y * 0.9)
        tone = 0.94 + 0.1 * streak + 0.06 * wander
        for c in range(3):
            layer = picture[c]
            layer += (self._table[c] * self._dim * tone - layer) * (amount * 0.82)
        x, y = band.x - self._x + 0.34 * self._side, (band.y - self.foot - 0.035) * 3.6
        wide = 0.4 + 0.5 * max(self._outline) * self._high
        away = sqrt((x / wide) ** 2 + (y / 0.34) ** 2)
        shadow = smoothstep(1.05, 0.35, away + 0.08 * wander) * amount
        blend(picture, mix(self._table, rgb("#2a2438"), 0.75) * self._dim, shadow * 0.5)

    def back(self, picture: Array, band: Band) -> None:
        """The dark inside of the mouth, behind the stems."""
        rim, wide = self._rim(band)
        tone = mix(self._colour, rgb("#1c1a20"), 0.35 if self.glass else 0.6) * self._dim
        blend(picture, tone, coverage((rim - 1.0) * wide * 0.25, band.px) * (0.35 if self.glass else 0.95))

    def front(self, picture: Array, band: Band) -> None:
        """The body in front of the stems; glass is transparent."""
        reach = max(self._outline) * self._high + 0.03
        window = band.window(self._x - reach, self._x + reach, self.foot - 0.05, self.mouth + 0.06)
        if window is None:
            return
        x, y = band.x[:, window[1]] - self._x, band.y[window[0]]
        part = picture[(slice(None), *window)]
        half = self._half(y)
        # Foot and rim are seen a little from above, so their lines are curved.
        bend = sqrt(clip(1.0 - (x / half) ** 2)) * half * 0.16
        body = maximum(fabs(x) - half, maximum(self.foot - bend * 0.9 - y, y - self.mouth + bend))
        amount = coverage(body, band.px)
        turned = clip(x / half, -1.0, 1.0)
        pool = self._noise.at(x * 0.5 + 0.3, y * 0.5)
        lit = smoothstep(-1.0, 0.7, turned * self._side + 0.25 * pool)
        edge = gaussian((1.0 - fabs(turned)) * 6.0)
        if self.glass:
            water = smoothstep(0.006, -0.006, y - self.foot - 0.68 * self._high)
            blend(part, self._colour * self._dim, amount * (0.16 + 0.22 * water))
            blend(part, mix(self._colour, rgb("#22383f"), 0.7) * self._dim, amount * edge * 0.5)
            line = fabs(y - self.foot - 0.68 * self._high + bend * 0.4) - 0.004
            blend(part, rgb("#ffffff"), amount * coverage(line, band.px) * 0.55)
        else:
            deep = turn(mix(self._colour, rgb("#2c2440"), 0.3), value=0.5)
            tone = deep[:, None, None] + (self._colour * 1.04 - deep)[:, None, None] * lit
            if self._dip:
                bare = smoothstep(
                    0.004, -0.004, y - self.foot - self._dip * self._high - 0.03 * pool + bend * 0.5
                )
                clay = rgb("#d8bb94")[:, None, None] * (0.5 + 0.5 * lit)
                tone = tone + (clay - tone) * bare
            blend(part, tone * (1.0 + 0.08 * pool) * self._dim, amount)
            blend(part, deep * self._dim, amount * edge * 0.35)
        gleam = gaussian((turned - 0.5 * self._side) * 8.0) * smoothstep(
            0.1, 0.3, (y - self.foot) * (1.0 / self._high)
        )
        gleam = (
            gleam
            * smoothstep(1.0, 0.75, (y - self.foot) * (1.0 / self._high))
            * smoothstep(-0.5, 0.4, pool + 0.2)
        )
        blend(
            part,
            mix(self._colour, rgb("#ffffff"), 0.8),
            amount * gleam * (0.4 if grey(self._colour) < 0.5 else 0.6),
        )
        rim, wide = self._rim(band)
        lip = maximum(fabs((rim[window] - 1.0) * wide * 0.25) - 0.006, 0.0 * y + y - self.mouth - 0.01)
        tone_lip = mix(self._colour, rgb("#ffffff"), 0.35) * self._dim
        blend(part, tone_lip, coverage(lip, band.px) * (y < self.mouth))

    def _rim(self, band: Band) -> tuple[Array, float]:
        """The ellipse of the mouth, 1 on its line, and its half width."""
        wide = self._outline[-1] * self._high
        x, y = (band.x - self._x) * (1.0 / wide), (band.y - self.mouth) * (1.0 / (wide * 0.18))
        return sqrt(x * x + y * y), wide
