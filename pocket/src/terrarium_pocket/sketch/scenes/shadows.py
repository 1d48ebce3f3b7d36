"""Shadows of a solid: a shadow map of the sun, and the occlusion of the table around it."""

import math

import numpy as np

from ..arrays import Array, clip, maximum
from ..raymarching import Bound, Distance, Vec, cone_march, cross, dot, march, unit

_MOST = 448
_BLOCK = 8
_TAPS = ((-0.9, -0.3), (0.3, -0.9), (0.9, 0.3), (-0.3, 0.9), (0.0, 0.0))


class ShadowMap:
    """A shadow map: how far parallel rays from the sun go before they meet the solid."""

    def __init__(
        self, shape: Distance, bound: Bound, sun: tuple[float, float, float], soft: float, step: float
    ) -> None:
        """March the rays; ``soft`` is half the width of the penumbra, ``step`` the width of a ray."""
        self._sun = sun
        self._right = unit(cross((0.0, 1.0, 0.0), sun))
        self._up = cross(sun, self._right)
        self._middle = (0.0, bound.height * 0.5, 0.0)
        self._reach = math.hypot(bound.radius, bound.height * 0.5) + 0.05
        self._soft = soft
        blocks = min(_MOST, max(64, math.ceil(2.0 * self._reach / step))) // _BLOCK
        self._side = blocks * _BLOCK
        self._scale = self._side / (2.0 * self._reach)
        coarse = self._rays(blocks)
        ends: Array = np.full(coarse[0].size, 2.0 * self._reach, dtype=np.float32)
        # A block of parallel rays is a tube: one ray is marched, with the solid thicker by half a block.
        tube = 0.75 * 2.0 * self._reach / blocks

        def wide(p: Vec) -> Array:
            return shape(p) - tube

        free = cone_march(wide, coarse, self._along(coarse), np.zeros_like(ends), ends, 0.0)
        start = free.reshape(blocks, blocks).repeat(_BLOCK, axis=0).repeat(_BLOCK, axis=1).ravel()
        fine = self._rays(self._side)
        far: Array = np.full(fine[0].size, 2.0 * self._reach, dtype=np.float32)
        depth = march(shape, fine, self._along(fine), start, far, close=max(0.002, 0.5 * step), steps=72)
        self._depth: Array = np.minimum(depth, 9.0)

    def sunlight(self, p: Vec) -> Array:
        """How much of the sun each point sees, 0..1."""
        x, y, z = (part - middle for part, middle in zip(p, self._middle, strict=True))
        here: Vec = (x, y, z)
        u, v = dot(here, self._right), dot(here, self._up)
        depth = self._reach - dot(here, self._sun) - 0.014
        lit = np.zeros_like(depth)
        for du, dv in _TAPS:
            lit += self._tap(u + du * self._soft, v + dv * self._soft, depth)
        inside = (np.abs(u) < self._reach) & (np.abs(v) < self._reach)
        return np.where(inside, lit * (1.0 / len(_TAPS)), 1.0)

    def _tap(self, u: Array, v: Array, depth: Array) -> Array:
        """Lit or not at the four nearest rays, blended."""
        gu = clip((u + self._reach) * self._scale - 0.5, 0.0, self._side - 1.001)
        gv = clip((v + self._reach) * self._scale - 0.5, 0.0, self._side - 1.001)
        iu, iv = gu.astype(np.int32), gv.astype(np.int32)
        gu -= iu
        gv -= iv
        start = (iv * self._side + iu).astype(np.intp)
        first = (self._depth.take(start) > depth).astype(np.float32)
        first += ((self._depth.take(start + 1) > depth) - first) * gu
        start += self._side
        second = (self._depth.take(start) > depth).astype(np.float32)
        second += ((self._depth.take(start + 1) > depth) - second) * gu
        first += (second - first) * gv
        return first

    def _rays(self, count: int) -> Vec:
        """Starts of ``count`` by ``count`` rays on a square toward the sun."""
        row = (np.arange(count, dtype=np.float32) + 0.5) * (2.0 * self._reach / count) - self._reach
        u, v = (part.ravel() for part in np.meshgrid(row, row))
        x, y, z = (
            middle + self._reach * sun + u * right + v * up
            for middle, sun, right, up in zip(self._middle, self._sun, self._right, self._up, strict=True)
        )
        return x, y, z

    def _along(self, rays: Vec) -> Vec:
        x, y, z = (np.full_like(rays[0], -part) for part in self._sun)
        return x, y, z


class GroundOcclusion:
    """Ambient occlusion of the plane y = 0 around a solid, as fine as the picture needs."""

    def __init__(self, shape: Distance, bound: Bound, step: float) -> None:
        """Sample the distance to the solid; ``step`` is the width of a pixel near it."""
        self._reach = bound.radius + 0.7
        self._side = min(_MOST // 2, max(16, math.ceil(2.0 * self._reach / (step * 3.0))))
        row = np.linspace(-self._reach, self._reach, self._side, dtype=np.float32)
        x, z = (part.ravel() for part in np.meshgrid(row, row))
        points: Vec = (x, np.full_like(x, 0.03), z)
        gap = maximum(shape(points), 0.0)
        self._flat: Array = 1.0 - 0.72 * np.exp(gap * -7.0)

    def ambient(self, x: Array, z: Array) -> Array:
        """How much ambient light reaches points of the table, 0..1."""
        scale = (self._side - 1) / (2.0 * self._reach)
        gu = clip((x + self._reach) * scale, 0.0, self._side - 1.001)
        gv = clip((z + self._reach) * scale, 0.0, self._side - 1.001)
        iu, iv = gu.astype(np.int32), gv.astype(np.int32)
        gu -= iu
        gv -= iv
        start = (iv * self._side + iu).astype(np.intp)
        upper = self._flat.take(start)
        upper = upper + (self._flat.take(start + 1) - upper) * gu
        start += self._side
        lower = self._flat.take(start)
        lower = lower + (self._flat.take(start + 1) - lower) * gu
        return upper + (lower - upper) * gv
