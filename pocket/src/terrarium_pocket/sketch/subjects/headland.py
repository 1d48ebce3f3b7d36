"""A rocky headland in the sea, for figures that stand on land."""

import numpy as np

from ..arrays import Array
from ..canvas import Band, smoothstep
from ..colour import mix, rgb
from ..noise import SeededRandom, fractal_noise
from .sprite import Lighting


class Headland:
    """Rock from one border of the picture toward its middle, ``level`` high where figures stand."""

    def __init__(
        self,
        rng: SeededRandom,
        lights: Lighting,
        *,
        side: float,
        water: float,
        level: float,
        end: float,
    ) -> None:
        """From the border at ``side`` (-1, 1) to ``end``; ``end`` and the heights are in picture units."""
        self._side, self._water, self._level = side, water, level
        self._end = end
        self._lights = lights
        self._rough = fractal_noise(rng.fork("rock"), cells=5, octaves=6, gain=0.55, ridge=True)
        self._rock = mix(rgb("#544c46"), lights.ground, 0.2)
        self._grass = mix(rgb("#66703a"), lights.ground, 0.25)

    def top(self, x: Array) -> Array:
        """Height of the ground at x, in picture units; past its end it is below the water."""
        along = x * self._side - self._end
        rise = smoothstep(-0.08, 0.34, along)
        down = self._water - 0.05
        return down + (self._level - down) * rise + 0.07 * smoothstep(0.35, 1.2, along)

    def _edge(self, x: Array) -> Array:
        """The ground with its crags: level where figures stand, broken toward the water."""
        along = x * self._side - self._end
        broken = smoothstep(0.34, 0.08, along) + 0.5 * smoothstep(0.75, 1.0, along)
        crag = self._rough.at(x * 0.5, np.full_like(x, 0.3)) * 0.05
        stacks = smoothstep(0.2, 0.9, self._rough.at(x * 0.8 + 0.2, np.full_like(x, 0.6))) * 0.09
        return (
            self.top(x)
            + crag * broken
            + stacks * smoothstep(-0.34, -0.1, along) * smoothstep(0.1, -0.06, along)
        )

    def draw(self, picture: Array, band: Band) -> None:
        """Draw it over a band in place."""
        reach = band.frame.half_width
        low_end, high_end = sorted((self._side * (self._end - 0.4), self._side * reach))
        window = band.window(low_end, high_end, self._water - 0.05, self._level + 0.25)
        if window is None:
            return
        x, y = band.x[:, window[1]], band.y[window[0]]
        edge = self._edge(x)
        wash = self._water + 0.012 * self._rough.at(x * 0.9, np.full_like(x, 0.8))
        high, low = edge - y, y - wash
        amount = np.clip(np.minimum(high, low) * (1.0 / band.px) + 0.5, 0.0, 1.0)
        if not amount.any():
            return
        u, v = x * 0.55 + y * 0.12, y * 0.95 - x * 0.1
        crag = self._rough.at(u, v)
        shifted = self._rough.at(u + 0.012 * self._lights.sun_from[0], v + 0.012)
        ledge = smoothstep(0.1, 0.6, self._rough.at(u * 0.45 + 0.3, y * 2.6 + crag * 0.03))
        facing = np.clip(0.36 + (crag - shifted) * 2.2 + ledge * 0.3, 0.0, 1.4)
        green = smoothstep(0.055, 0.012, high + crag * 0.03) * smoothstep(0.02, 0.07, low) * 0.9
        damp = smoothstep(0.05, 0.0, low) * 0.55
        foam = smoothstep(0.022, 0.0, low + crag * 0.01) * 0.6
        view = picture[(slice(None), *window)]
        sun, sky = self._lights.sun, self._lights.sky
        for c in range(3):
            albedo = self._rock[c] * (1.0 + 0.35 * crag)
            albedo += (self._grass[c] - albedo) * green
            colour = albedo * (1.0 - damp) * (sun[c] * facing * 0.75 + sky[c] * 0.9)
            colour += (self._lights.haze[c] * 0.9 - colour) * foam
            view[c] += (np.maximum(colour, 0.0) - view[c]) * amount
