"""A height map with colours, painted from above and ray-marched from the side: food on a plate."""

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array, clip, maximum, sqrt
from ..raymarching import Vec

_SIDE = 320


class Relief:
    """Heights (n, n) and colours (3, n, n) over the square of half side ``reach`` around the middle."""

    def __init__(self, reach: float, level: float, colour: Array) -> None:
        """Start with a flat surface of one colour at height ``level``."""
        self.reach = reach
        self.px = 2.0 * reach / _SIDE
        row = (np.arange(_SIDE, dtype=np.float32) + 0.5) * self.px - reach
        self.x: Array = np.broadcast_to(row[None, :], (_SIDE, _SIDE))
        self.z: Array = np.broadcast_to(row[:, None], (_SIDE, _SIDE))
        self.height: Array = np.full((_SIDE, _SIDE), level, dtype=np.float32)
        self.colour: Array = np.empty((3, _SIDE, _SIDE), dtype=np.float32)
        self.colour[:] = colour[:, None, None]
        self.gloss: Array = np.full((_SIDE, _SIDE), 1.2, dtype=np.float32)

    def put(self, shape: Array, height: Array | float, colour: Array, *, gloss: float = 0.5) -> None:
        """Put a shape on top: its signed distance, its height, its colour (3,) or (3, n, n)."""
        amount = clip(shape * (-1.0 / self.px) + 0.5)
        self.height += (height - self.height) * amount
        self.gloss += (gloss - self.gloss) * amount
        for c in range(3):
            self.colour[c] += (colour[c] - self.colour[c]) * amount

    def tint(self, colour: Array, amount: Array) -> None:
        """Blend a colour (3,) over the surface by ``amount`` (n, n)."""
        for c in range(3):
            self.colour[c] += (colour[c] - self.colour[c]) * amount

    def disc(self, x: float, z: float, radius: float, *, squeeze: float = 1.0, turn: float = 0.0) -> Array:
        """A signed distance to an ellipse, ``squeeze`` times as deep as wide, turned by an angle."""
        cos, sin = float(np.cos(turn)), float(np.sin(turn))
        u = (self.x - x) * cos + (self.z - z) * sin
        v = ((self.z - z) * cos - (self.x - x) * sin) * (1.0 / squeeze)
        return sqrt(u * u + v * v) - radius

    def surface(self, rim: float) -> "tuple[Surface, SurfaceColour]":
        """The finished solid inside radius ``rim``, and its albedo."""
        return Surface(self, rim), SurfaceColour(self)


class Surface:
    """The relief as a signed distance."""

    def __init__(self, relief: Relief, rim: float) -> None:
        """Copy the heights of a finished relief."""
        self._flat: Array = np.ascontiguousarray(relief.height).ravel()
        self._reach, self._scale = relief.reach, 1.0 / relief.px
        self._rim = rim
        self._top = float(relief.height.max())
        self._foot = float(relief.height.min()) - 0.08

    def __call__(self, p: Vec) -> Array:
        """A lower bound of the distance from points to the surface; steep sides need the small factor."""
        gx = clip((p[0] + self._reach) * self._scale - 0.5, 0.0, _SIDE - 1.01)
        gz = clip((p[2] + self._reach) * self._scale - 0.5, 0.0, _SIDE - 1.01)
        ix, iz = gx.astype(np.intp), gz.astype(np.intp)
        gx, gz = gx - ix, gz - iz
        start = iz * _SIDE + ix
        near = self._flat.take(start)
        near = near + (self._flat.take(start + 1) - near) * gx
        start += _SIDE
        far = self._flat.take(start)
        far = far + (self._flat.take(start + 1) - far) * gx
        level = near + (far - near) * gz
        side = sqrt(p[0] * p[0] + p[2] * p[2]) - self._rim
        above = maximum((p[1] - level) * 0.6, p[1] - self._top)
        return maximum(maximum(above, self._foot - p[1]), side)


class SurfaceColour:
    """The relief's colours and gloss at points."""

    def __init__(self, relief: Relief) -> None:
        """Use the colours of a finished relief."""
        self._relief = relief

    def __call__(self, p: Vec) -> Array:
        """Albedo, shape (3, n)."""
        return self._relief.colour[:, self._row(p[2]), self._row(p[0])]

    def gloss(self, p: Vec) -> Array:
        """Gloss, shape (n,)."""
        return self._relief.gloss[self._row(p[2]), self._row(p[0])]

    def _row(self, value: Array) -> NDArray[np.intp]:
        place = clip((value + self._relief.reach) * (1.0 / self._relief.px), 0.0, _SIDE - 1.0)
        return place.astype(np.intp)
