"""SDF primitives and their placement; units and axes as in ``raymarching``."""

import math

from .arrays import Array, fabs, maximum, minimum, sqrt
from .raymarching import Distance, Vec


def box(x: float, y: float, z: float, corner: float) -> Distance:
    """A box of half sides x, y, z around the origin with rounded corners."""

    def distance(p: Vec) -> Array:
        u, v, w = fabs(p[0]) - (x - corner), fabs(p[1]) - (y - corner), fabs(p[2]) - (z - corner)
        inside = minimum(maximum(u, maximum(v, w)), 0.0)
        u, v, w = maximum(u, 0.0), maximum(v, 0.0), maximum(w, 0.0)
        return sqrt(u * u + v * v + w * w) + inside - corner

    return distance


def ellipsoid(x: float, y: float, z: float) -> Distance:
    """An approximate distance to an ellipsoid of half axes x, y, z around the origin."""
    least = min(x, y, z)

    def distance(p: Vec) -> Array:
        u, v, w = p[0] * (1.0 / x), p[1] * (1.0 / y), p[2] * (1.0 / z)
        return (sqrt(u * u + v * v + w * w) - 1.0) * least

    return distance


def capsule(
    a: tuple[float, float, float], b: tuple[float, float, float], thick: float, tip: float = -1.0
) -> Distance:
    """A capsule from a to b of radius ``thick`` at a and, if given, ``tip`` at b."""
    ax, ay, az = a
    bx, by, bz = b[0] - ax, b[1] - ay, b[2] - az
    square = bx * bx + by * by + bz * bz
    slim = (tip if tip >= 0 else thick) - thick

    def distance(p: Vec) -> Array:
        x, y, z = p[0] - ax, p[1] - ay, p[2] - az
        t = minimum(maximum((x * bx + y * by + z * bz) * (1.0 / square), 0.0), 1.0)
        x, y, z = x - t * bx, y - t * by, z - t * bz
        return sqrt(x * x + y * y + z * z) - (t * slim + thick)

    return distance


def cylinder(radius: float, half: float, corner: float) -> Distance:
    """An upright cylinder around the origin with rounded edges."""

    def distance(p: Vec) -> Array:
        u, v = sqrt(p[0] * p[0] + p[2] * p[2]) - (radius - corner), fabs(p[1]) - (half - corner)
        inside = minimum(maximum(u, v), 0.0)
        u, v = maximum(u, 0.0), maximum(v, 0.0)
        return sqrt(u * u + v * v) + inside - corner

    return distance


def placed(
    shape: Distance, x: float, y: float, z: float, *, turn: float = 0.0, pitch: float = 0.0
) -> Distance:
    """A shape moved to (x, y, z), pitched back about x and then turned about y, in radians."""
    cos, sin = math.cos(turn), math.sin(turn)
    up, back = math.cos(pitch), math.sin(pitch)

    def distance(p: Vec) -> Array:
        dx, dy, dz = p[0] - x, p[1] - y, p[2] - z
        ux, uz = dx * cos + dz * sin, dz * cos - dx * sin
        return shape((ux, dy * up + uz * back, uz * up - dy * back))

    return distance
