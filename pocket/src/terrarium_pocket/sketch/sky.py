"""Skies: a gradient, a sun or moon, clouds in perspective, stars and northern lights."""

import math

import numpy as np

from .arrays import Array
from .canvas import Band, add_light, blend, smoothstep
from .colour import mix, rgb, turn
from .noise import SeededRandom, fractal_noise
from .palette import Palette
from .prompt import ParsedPrompt


class Sky:
    """Everything above picture height ``horizon``, up to ``top``, in a picture twice ``half_width`` wide."""

    def __init__(
        self,
        prompt: ParsedPrompt,
        palette: Palette,
        rng: SeededRandom,
        horizon: float,
        top: float,
        half_width: float,
    ) -> None:
        """Place the sun and make the clouds."""
        self.palette = palette
        self.horizon = horizon
        self.top = top
        light = palette.light
        # Heights are for a square picture; in a tall one there is more sky, and the sun is higher.
        self.sun_x = rng.between(0.12, 0.62) * half_width * rng.sign()
        self.sun_y = horizon + light.height * rng.between(0.8, 1.2) * min(1.5, 0.55 + 0.45 * (top - horizon))
        self.moon = palette.name in {"night", "bluehour", "noir"} or "moon" in prompt.extras
        self.veiled = palette.name in {"foggy", "moody", "studio"} or bool({"rain", "veiled"} & prompt.extras)
        self._radius = rng.between(0.075, 0.12) * (0.85 if self.moon else 1.0)
        self._clouds = fractal_noise(rng.fork("clouds"), cells=4, octaves=7, gain=0.52)
        self._amount = rng.between(-0.12, 0.3) - (0.35 if palette.name == "moody" else 0.0)
        self._drift = rng.between(0.0, 1.0)
        self._streak = rng.between(0.4, 0.95)
        deep = palette.name in {"night", "bluehour", "neon"} or "stars" in prompt.extras
        self._stars = _stars(rng.fork("stars"), 420 if palette.name == "night" else 150) if deep else None
        self._aurora = (
            fractal_noise(rng.fork("aurora"), cells=3, octaves=5) if "aurora" in prompt.extras else None
        )
        lit = mix(palette.sun, rgb("#ffffff"), 0.45)
        self._lit = lit * (1.05 if not light.dark else 0.16)
        self._dull = mix(palette.middle, palette.shade, 0.6)
        self._warm = mix(palette.low, palette.sun, 0.5)

    @property
    def sun(self) -> tuple[float, float]:
        """Position of the sun or moon, in picture units."""
        return self.sun_x, self.sun_y

    def paint(self, x: Array, y: Array, px: float) -> Array:
        """The sky at a row of x and a column of y, shape (3, h, w)."""
        pal = self.palette
        above = (y - self.horizon) * (1.0 / max(0.35, self.top - self.horizon))
        shape = np.broadcast_shapes(x.shape, y.shape)
        first = smoothstep(0.0, 0.52, above)
        second = smoothstep(0.3, 1.12, above)
        dx, dy = x - self.sun_x, y - self.sun_y
        far = np.sqrt(dx * dx + dy * dy)
        halo = np.exp(far * -1.9) * 0.5
        near = np.exp(far * -6.5) * 0.6
        dim = 0.3 if self.moon or self.veiled else 1.0
        halo *= dim
        near *= dim
        picture = np.empty((3, *shape), dtype=np.float32)
        for c in range(3):
            column = pal.low[c] + (pal.middle[c] - pal.low[c]) * first
            column = column + (pal.top[c] - column) * second
            layer = column + (self._warm[c] - column) * halo
            layer += pal.sun[c] * near
            picture[c] = layer
        if self._stars is not None:
            self._draw_stars(picture, x, y, px)
        if self._aurora is not None:
            self._curtains(picture, x, above)
        if not self.veiled:
            self._disc(picture, dx, dy, far, px)
        self._drift_clouds(picture, x, y, halo)
        return picture

    def _disc(self, picture: Array, dx: Array, dy: Array, far: Array, px: float) -> None:
        edge = np.clip((self._radius - far) * (1.0 / max(px, 0.003)) + 0.5, 0.0, 1.0)
        if not edge.any():
            return
        if self.moon:
            spots = self._clouds.at(dx * 0.9 + 0.2, dy * 0.9)
            limb = np.sqrt(np.maximum(1.0 - (far / self._radius) ** 2, 0.0))
            tone = 0.75 + 0.2 * limb - 0.22 * smoothstep(-0.1, 0.5, spots)
            for c in range(3):
                picture[c] += (self.palette.sun[c] * tone - picture[c]) * edge
            return
        blend(picture, mix(self.palette.sun, rgb("#fff4cf"), 0.45) * 2.4, edge)

    def _drift_clouds(self, picture: Array, x: Array, y: Array, halo: Array) -> None:
        height = np.maximum(y - self.horizon, 0.0) + 0.16
        v = 0.42 / height
        u = x * v * 0.85 + self._drift
        body = self._clouds.at(u, v * (self._streak * 1.6) + (self._drift * 3.0))
        toward = 0.025 * math.copysign(1.0, self.sun_x)
        side = self._clouds.at(u + toward, v * (self._streak * 1.6) + (self._drift * 3.0 - 0.02))
        dense = smoothstep(self._amount, self._amount + 0.75, body)
        dense *= smoothstep(0.02, 0.3, y - self.horizon) * 0.82
        lit = np.clip(0.5 + (body - side) * 1.8 + halo, 0.0, 1.0)
        for c in range(3):
            cloud = self._dull[c] + (self._lit[c] - self._dull[c]) * lit
            cloud += (self._warm[c] - cloud) * np.minimum(halo * 1.5, 0.7)
            picture[c] += (cloud - picture[c]) * dense

    def _draw_stars(self, picture: Array, x: Array, y: Array, px: float) -> None:
        assert self._stars is not None
        draw_stars(picture, x, y, px, self._stars, self.horizon, self.top)

    def _curtains(self, picture: Array, x: Array, above: Array) -> None:
        assert self._aurora is not None
        for turn_by, base, at, reach in ((0.0, 0.3, 0.13, 0.5), (0.09, 0.48, 0.57, 0.4)):
            fold = self._aurora.at(x * 0.2 + at, np.full_like(x, at))
            lower = base + fold * 0.26
            rise = above - lower
            curtain = smoothstep(-0.02, 0.05, rise) * np.exp(-np.maximum(rise, 0.0) * (1.0 / (reach * 0.5)))
            rays = self._aurora.at(x * 1.1 + fold, above * 0.03 + at)
            curtain = curtain * (0.62 + 0.5 * rays)
            green, violet = turn(rgb("#38f0a0"), hue=turn_by), rgb("#8a4fe0")
            high = smoothstep(0.0, reach, rise)
            for c in range(3):
                picture[c] += np.maximum(curtain, 0.0) * (green[c] + (violet[c] - green[c]) * high) * 0.5


def _stars(rng: SeededRandom, count: int) -> Array:
    """x, y, size and brightness of stars, shape (4, count): positions in -3..3, the others in 0..1."""
    values = rng.many(count * 4).reshape(4, count)
    values[0] = values[0] * 6.0 - 3.0
    values[1] = values[1] * 6.0 - 3.0
    return values


def draw_stars(picture: Array, x: Array, y: Array, px: float, stars: Array, low: float, high: float) -> None:
    """Add stars to a picture over a row of x and a column of y, fading toward ``low``."""
    left, right = float(x.min()), float(x.max())
    bottom, top = float(y.min()), float(y.max())
    rows, columns = picture.shape[1:]
    for sx, sy, size, bright in zip(*(part.tolist() for part in stars), strict=True):
        radius = 0.0016 + 0.0028 * size**6
        shown = max(radius, 0.75 * px)
        reach = 3.0 * shown + px
        # A star just outside still shines into these rows.
        if not (left - reach <= sx <= right + reach and bottom - reach <= sy <= top + reach):
            continue
        i, j, n = round((sx - left) / px), round((top - sy) / px), int(reach / px) + 1
        window = (
            slice(max(0, j - n), max(0, min(rows, j + n + 1))),
            slice(max(0, i - n), max(0, min(columns, i + n + 1))),
        )
        dx, dy = x[:, window[1]] - sx, y[window[0]] - sy
        spot = np.exp((dx * dx + dy * dy) * (-1.0 / (shown * shown)))
        fade = min(1.0, max(0.0, (sy - low) / max(0.2, 0.5 * (high - low))))
        level = (0.25 + 1.6 * bright**3) * fade * (radius / shown) ** 2
        tint = rgb("#ffe9d0") if bright * 7 % 1 > 0.6 else rgb("#dfe8ff")
        add_light(picture[(slice(None), *window)], tint, spot * level)


def paint_sky(sky: Sky, band: Band) -> Array:
    """The sky of a whole band."""
    return sky.paint(band.x, band.y, band.px)
