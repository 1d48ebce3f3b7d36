"""Height fields seen from the ground: the point of the land behind each pixel, and its light."""

from collections.abc import Callable

import numpy as np

from .arrays import Array
from .canvas import Band, Frame

_WIDE = 640

Height = Callable[[Array, Array], Array]


class Terrain:
    """A height field ``height(x, z)`` seen from (0, eye, 0) along +z.

    A point at (x, y, z) appears at picture coordinates (focal * x / z, horizon + focal * (y - eye) / z).
    """

    def __init__(
        self,
        frame: Frame,
        height: Height,
        *,
        eye: float,
        focal: float,
        horizon: float,
        near: float,
        far: float,
        layers: int = 300,
    ) -> None:
        """Cast the rays of every column once; later calls are table lookups."""
        self.height, self.eye, self.focal, self.horizon = height, eye, focal, horizon
        z = (near * (far / near) ** np.linspace(0.0, 1.0, layers)).astype(np.float32)[:, None]
        x = Band(frame, 0, 1).x
        projected = horizon + focal * (height(x * z / focal, z) - eye) / z
        crest = np.maximum.accumulate(projected, axis=0)
        y = Band(frame, 0, frame.height).y[:, 0]
        depth = np.full((frame.height, frame.width), np.inf, dtype=np.float32)
        log = np.log(z[:, 0])
        for column in range(frame.width):
            ridge = crest[:, column]
            first = int(np.count_nonzero(y > ridge[-1]))
            lower: Array = y[first:]
            k = ridge.searchsorted(lower)
            line = projected[:, column]
            before = np.maximum(k - 1, 0)
            low, high = line[before], line[k]
            step = np.clip((lower - low) / np.maximum(high - low, 1e-6), 0.0, 1.0)
            depth[first:, column] = log[before] + (log[k] - log[before]) * np.where(k == 0, 1.0, step)
        self._depth = np.exp(depth, out=depth)
        self._top = crest[-1]

    def visible_points(self, band: Band) -> tuple[Array, Array, Array]:
        """World x and z behind each pixel of a band, and how much of the pixel is land; sky has z = 1."""
        y = band.y
        z = self._depth[band.top : band.top + band.rows]
        covered = np.clip((self._top[None, :] - y) * (1.0 / band.px) + 0.5, 0.0, 1.0)
        z = np.where(np.isfinite(z), z, self._edge(band, z))
        return band.x * z * (1.0 / self.focal), z, covered

    def _edge(self, band: Band, z: Array) -> Array:
        """A depth for the sky pixels at the crest: that of the land just below."""
        below = np.full_like(z, 1.0)
        below[:-1] = z[1:]
        stop = band.top + band.rows
        if stop < self._depth.shape[0]:
            below[-1] = self._depth[stop]
        return np.where(np.isfinite(below), below, 1.0)

    def slope(self, x: Array, z: Array, px: float) -> tuple[Array, Array, Array]:
        """Height and its slopes along x and z, at the resolution of a pixel at that distance."""
        reach = np.maximum(z * (px / self.focal * 1.2), 0.002)
        here = self.height(x, z)
        across = (self.height(x + reach, z) - here) / reach
        away = (self.height(x, z + reach * 1.5) - here) / (reach * 1.5)
        return here, across, away

    def shade(
        self, x: Array, z: Array, here: Array, sun: tuple[float, float, float], reach: float, steps: int
    ) -> Array:
        """How much sun reaches points of the land, 0..1; land around them throws shadows."""
        if x.shape[1] >= _WIDE:
            # Shadows are soft: in a large picture every second column is enough.
            some = self.shade(x[:, ::2], z[:, ::2], here[:, ::2], sun, reach, steps)
            every: Array = np.repeat(some, 2, axis=1)[:, : x.shape[1]]
            every[:, 1:-1:2] += (every[:, 2::2] - every[:, 1:-1:2]) * 0.5
            return every
        sunlit = np.ones_like(here)
        for step in range(1, steps + 1):
            t = reach * (step / steps) ** 1.7
            ground = self.height(x + (sun[0] * t), z + (sun[2] * t))
            clear = here + (sun[1] * t) - ground
            np.minimum(sunlit, clear * (5.0 / t) + 0.75, out=sunlit)
        return np.clip(sunlit, 0.0, 1.0)
