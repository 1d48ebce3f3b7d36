"""Ray marching of signed distance functions (SDFs), and solids of revolution.

Points are tuples of flat arrays (x, y, z): y is up, z points away from the viewer, the table is y = 0.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .arrays import Array

Vec = tuple[Array, Array, Array]
Profile = tuple[tuple[float, float], ...]
Distance = Callable[[Vec], Array]

_GRID_R, _GRID_Y = 144, 224
_MARGIN = 0.06


class Bound(NamedTuple):
    """An upright bounding cylinder on the table."""

    radius: float
    height: float
    x: float = 0.0
    z: float = 0.0


def along(origin: Vec, direction: Vec, t: Array) -> Vec:
    """The points at distance ``t`` along rays."""
    return origin[0] + direction[0] * t, origin[1] + direction[1] * t, origin[2] + direction[2] * t


def dot(a: Vec, b: Vec | tuple[float, float, float]) -> Array:
    """Dot products, the second side arrays or one constant vector."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def unit(v: tuple[float, float, float]) -> tuple[float, float, float]:
    """A constant vector normalised to length one."""
    length = math.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2])
    return v[0] / length, v[1] / length, v[2] / length


def cross(a: tuple[float, float, float], b: tuple[float, float, float]) -> tuple[float, float, float]:
    """The cross product of constant vectors."""
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def softmin(a: Array, b: Array, reach: float) -> Array:
    """Smooth minimum of two distances, blended where they differ by less than ``reach``."""
    h = np.maximum(reach - np.abs(a - b), 0.0) * (1.0 / reach)
    return np.minimum(a, b) - h * h * (reach * 0.25)


def revolved(profile: Profile, *, rounds: int = 2) -> Distance:
    """The solid of revolution of a closed outline of (radius, height) corners, its corners rounded."""
    low, high, reach, grid = _baked(profile, rounds)
    flat = grid.ravel()
    step_r, step_y = (_GRID_R - 1) / reach, (_GRID_Y - 1) / (high - low)

    def distance(p: Vec) -> Array:
        radius = np.sqrt(p[0] * p[0] + p[2] * p[2])
        inside_r = np.minimum(radius, (reach * 0.9999))
        inside_y = np.clip(p[1], low, (high - 1e-4))
        gr, gy = inside_r * step_r, (inside_y - low) * step_y
        ir, iy = gr.astype(np.int32), gy.astype(np.int32)
        gr -= ir
        gy -= iy
        start = np.minimum(iy, _GRID_Y - 2).astype(np.intp) * _GRID_R + np.minimum(ir, _GRID_R - 2)
        upper = flat.take(start)
        upper += (flat.take(start + 1) - upper) * gr
        start += _GRID_R
        lower = flat.take(start)
        lower += (flat.take(start + 1) - lower) * gr
        upper += (lower - upper) * gy
        away_r, away_y = radius - inside_r, p[1] - inside_y
        upper += np.sqrt(away_r * away_r + away_y * away_y)
        return upper

    return distance


def handle(
    x: float, y: float, reach: float, rise: float, thick: float, wide: float, inner: float
) -> Distance:
    """A cup's handle at the +x side: an upright ring that ends inside the wall, at radius ``inner``."""
    squeeze = rise / reach

    def distance(p: Vec) -> Array:
        across = (p[0] - x) * squeeze
        up = p[1] - y
        ring = np.sqrt(across * across + up * up) - rise
        side = p[2] * (thick / wide)
        tube = np.sqrt(ring * ring + side * side) - thick
        wall = inner - np.sqrt(p[0] * p[0] + p[2] * p[2])
        return np.maximum(tube * 0.88, np.maximum(wall, inner - p[0]))

    return distance


def march(
    shape: Distance,
    origin: Vec,
    direction: Vec,
    start: Array,
    end: Array,
    *,
    close: float = 0.0018,
    steps: int = 48,
) -> Array:
    """Distances along rays to the first hit, or infinity; arrays of one length in and out.

    A ray that comes nearer than ``close`` has hit. A ray that has used up its steps has hit if it is within
    eight times that distance.
    """
    result: Array = np.full(start.shape, np.inf, dtype=np.float32)
    live: NDArray[np.intp] = np.nonzero(start < end)[0]
    t, stop = start[live], end[live]
    ox, oy, oz = origin[0][live], origin[1][live], origin[2][live]
    dx, dy, dz = direction[0][live], direction[1][live], direction[2][live]
    met = np.zeros(live.size, dtype=bool)
    over = np.zeros(live.size, dtype=bool)
    for step in range(steps):
        if live.size == 0:
            break
        gap = shape((ox + dx * t, oy + dy * t, oz + dz * t))
        # A finished ray stays where it is, so that its result does not depend on the other rays.
        gap[met | over] = 0.0
        t += gap
        last = step == steps - 1
        over |= (t > stop) & ~met
        met |= (gap < (close * 8.0 if last else close)) & ~over
        done = met | over
        # While few rays are finished, keeping them costs less than removing them.
        if last or int(np.count_nonzero(done)) > 0.1 * live.size:
            result[live[met]] = t[met]
            going: NDArray[np.intp] = np.nonzero(~done)[0]
            live, t, stop = live[going], t[going], stop[going]
            ox, oy, oz = ox[going], oy[going], oz[going]
            dx, dy, dz = dx[going], dy[going], dz[going]
            met, over = met[going], over[going]
    return result


def cone_march(
    shape: Distance, origin: Vec, direction: Vec, start: Array, end: Array, spread: float, *, steps: int = 24
) -> Array:
    """Distances that all rays of each cone can go without a hit, infinity where they hit nothing.

    ``spread`` is the growth of a cone's radius per unit of its length.
    """
    t = start.copy()
    going: NDArray[np.intp] = np.nonzero(start < end)[0]
    t[start >= end] = np.inf
    for _ in range(steps):
        if going.size == 0:
            break
        here = t[going]
        rays: Vec = direction[0][going], direction[1][going], direction[2][going]
        starts: Vec = origin[0][going], origin[1][going], origin[2][going]
        free = shape(along(starts, rays, here)) - here * spread
        ahead = here + free
        over = ahead > end[going]
        ahead[over] = np.inf
        moved = free > 0.004
        t[going] = np.where(moved, ahead, here)
        going = going[moved & ~over]
    return t


def normals(shape: Distance, p: Vec, reach: float = 0.009) -> Vec:
    """Outward unit normals from four samples around each point."""
    e = reach
    a = shape((p[0] + e, p[1] - e, p[2] - e))
    b = shape((p[0] - e, p[1] - e, p[2] + e))
    c = shape((p[0] - e, p[1] + e, p[2] - e))
    d = shape((p[0] + e, p[1] + e, p[2] + e))
    x, y, z = a - b - c + d, c + d - a - b, b + d - a - c
    scale = 1.0 / np.sqrt(x * x + y * y + z * z + (1e-12))
    return x * scale, y * scale, z * scale


def intersect_bound(bound: Bound, origin: Vec, direction: Vec, spread: float = 0.0) -> tuple[Array, Array]:
    """Where rays, or cones that spread, enter and leave a bounding cylinder; for a miss, end < start."""
    wider = spread * 8.0
    ox, oz = origin[0] - bound.x, origin[2] - bound.z
    a = direction[0] ** 2 + direction[2] ** 2
    b = ox * direction[0] + oz * direction[2]
    c = ox * ox + oz * oz - (bound.radius + wider) ** 2
    inside = b * b - a * c
    root = np.sqrt(np.maximum(inside, 0.0))
    near, far = (-b - root) / a, (-b + root) / a
    down = np.where(np.abs(direction[1]) < 1e-5, (1e-5), direction[1])
    top, bottom = (bound.height + wider - origin[1]) / down, (-0.02 - wider - origin[1]) / down
    start = np.maximum(np.maximum(near, np.minimum(top, bottom)), 0.0)
    end = np.minimum(far, np.maximum(top, bottom))
    return start, np.where(inside > 0.0, end, -1.0)


@lru_cache(maxsize=24)
def _baked(profile: Profile, rounds: int) -> tuple[float, float, float, Array]:
    """Signed distances to an outline on a grid of (height, radius)."""
    outline = _softened(profile, rounds)
    low, high = min(y for _, y in outline) - _MARGIN, max(y for _, y in outline) + _MARGIN
    reach = max(r for r, _ in outline) + _MARGIN
    r = np.linspace(0.0, reach, _GRID_R, dtype=np.float32)[None, :]
    y = np.linspace(low, high, _GRID_Y, dtype=np.float32)[:, None]
    nearest = np.full((_GRID_Y, _GRID_R), 1e6, dtype=np.float32)
    inside = np.zeros((_GRID_Y, _GRID_R), dtype=bool)
    for (r0, y0), (r1, y1) in zip(outline, outline[1:] + outline[:1], strict=True):
        er, ey = r1 - r0, y1 - y0
        # The segment along the axis is inside the solid and no part of its surface.
        if not (r0 < 1e-6 and r1 < 1e-6):
            t = np.clip(((r - r0) * er + (y - y0) * ey) / max(1e-9, er * er + ey * ey), 0.0, 1.0)
            nearest = np.minimum(nearest, (r - r0 - er * t) ** 2 + (y - y0 - ey * t) ** 2)
        if y0 != y1:
            crosses = ((y0 > y) != (y1 > y)) & (r < r0 + (y - y0) * (er / ey))
            inside ^= crosses
    grid = np.sqrt(nearest)
    return low, high, reach, np.where(inside, -grid, grid).astype(np.float32)


def _softened(profile: Profile, rounds: int) -> list[tuple[float, float]]:
    """Cut the corners of an outline (Chaikin), keeping its two ends on the axis."""
    points = list(profile)
    for _ in range(rounds):
        cut = [points[0]]
        for (r0, y0), (r1, y1) in pairwise(points):
            cut.append((r0 * 0.75 + r1 * 0.25, y0 * 0.75 + y1 * 0.25))
            cut.append((r0 * 0.25 + r1 * 0.75, y0 * 0.25 + y1 * 0.75))
        cut.append(points[-1])
        points = cut
    return points
