"""A rocky point that runs out into the sea, for what cannot stand on water."""

import numpy as np

from ..canvas import Band, smooth
from ..colour import mix, rgb
from ..noise import Dice, Plane, tile
from .cutout import Lighting


class Headland:
    """Rock from one border of the picture to its middle, ``level`` high where things stand."""

    def __init__(
        self,
        dice: Dice,
        lights: Lighting,
        *,
        side: float,
        water: float,
        level: float,
        end: float,
    ) -> None:
        """From the ``side`` (-1, 1) border to ``end``, both in picture units as are the heights."""
        self._side, self._water, self._level = side, water, level
        self._end = end
        self._lights = lights
        self._rough = tile(dice.fork("rock"), cells=5, octaves=6, gain=0.55, ridge=True)
        self._rock = mix(rgb("#544c46"), lights.ground, 0.2)
        self._grass = mix(rgb("#66703a"), lights.ground, 0.25)

    def top(self, x: Plane) -> Plane:
        """Height of the ground at x, in picture units; below the water past its end."""
        along = x * self._side - self._end
        rise = smooth(-0.08, 0.34, along)
        down = self._water - 0.05
        return down + (self._level - down) * rise + 0.07 * smooth(0.35, 1.2, along)

    def _edge(self, x: Plane) -> Plane:
        """The ground with its crags: level where things stand, broken toward the water."""
        along = x * self._side - self._end
        broken = smooth(0.34, 0.08, along) + 0.5 * smooth(0.75, 1.0, along)
        crag = self._rough.at(x * 0.5, np.full_like(x, 0.3)) * 0.05
        stacks = smooth(0.2, 0.9, self._rough.at(x * 0.8 + 0.2, np.full_like(x, 0.6))) * 0.09
        return self.top(x) + crag * broken + stacks * smooth(-0.34, -0.1, along) * smooth(0.1, -0.06, along)

    def lay(self, picture: Plane, band: Band) -> None:
        """Lay it over a band in place."""
        reach = band.frame.ax
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
        beside = self._rough.at(u + 0.012 * self._lights.sun_from[0], v + 0.012)
        ledge = smooth(0.1, 0.6, self._rough.at(u * 0.45 + 0.3, y * 2.6 + crag * 0.03))
        facing = np.clip(0.36 + (crag - beside) * 2.2 + ledge * 0.3, 0.0, 1.4)
        green = smooth(0.055, 0.012, high + crag * 0.03) * smooth(0.02, 0.07, low) * 0.9
        damp = smooth(0.05, 0.0, low) * 0.55
        foam = smooth(0.022, 0.0, low + crag * 0.01) * 0.6
        view = picture[(slice(None), *window)]
        sun, sky = self._lights.sun, self._lights.sky
        for c in range(3):
            albedo = self._rock[c] * (1.0 + 0.35 * crag)
            albedo += (self._grass[c] - albedo) * green
            colour = albedo * (1.0 - damp) * (sun[c] * facing * 0.75 + sky[c] * 0.9)
            colour += (self._lights.haze[c] * 0.9 - colour) * foam
            view[c] += (np.maximum(colour, 0.0) - view[c]) * amount
