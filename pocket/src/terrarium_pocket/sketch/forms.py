"""Plain forms as signed distances, and ways to set them in place; units and axes as in ``solid``."""

import math

from .noise import Plane
from .plain import larger, root, size, smaller
from .solid import Distance, Vec


def box(x: float, y: float, z: float, corner: float) -> Distance:
    """A box of half sides x, y, z around the origin with rounded corners."""

    def distance(p: Vec) -> Plane:
        u, v, w = size(p[0]) - (x - corner), size(p[1]) - (y - corner), size(p[2]) - (z - corner)
        inside = smaller(larger(u, larger(v, w)), 0.0)
        u, v, w = larger(u, 0.0), larger(v, 0.0), larger(w, 0.0)
        return root(u * u + v * v + w * w) + inside - corner

    return distance


def ball(x: float, y: float, z: float) -> Distance:
    """A near enough distance to an ellipsoid of half axes x, y, z around the origin."""
    least = min(x, y, z)

    def distance(p: Vec) -> Plane:
        u, v, w = p[0] * (1.0 / x), p[1] * (1.0 / y), p[2] * (1.0 / z)
        return (root(u * u + v * v + w * w) - 1.0) * least

    return distance


def rod(
    a: tuple[float, float, float], b: tuple[float, float, float], thick: float, tip: float = -1.0
) -> Distance:
    """A round stick from a to b, ``thick`` at a and ``tip`` at b, if that is given."""
    ax, ay, az = a
    bx, by, bz = b[0] - ax, b[1] - ay, b[2] - az
    square = bx * bx + by * by + bz * bz
    slim = (tip if tip >= 0 else thick) - thick

    def distance(p: Vec) -> Plane:
        x, y, z = p[0] - ax, p[1] - ay, p[2] - az
        t = smaller(larger((x * bx + y * by + z * bz) * (1.0 / square), 0.0), 1.0)
        x, y, z = x - t * bx, y - t * by, z - t * bz
        return root(x * x + y * y + z * z) - (t * slim + thick)

    return distance


def drum(radius: float, half: float, corner: float) -> Distance:
    """An upright cylinder around the origin with rounded edges."""

    def distance(p: Vec) -> Plane:
        u, v = root(p[0] * p[0] + p[2] * p[2]) - (radius - corner), size(p[1]) - (half - corner)
        inside = smaller(larger(u, v), 0.0)
        u, v = larger(u, 0.0), larger(v, 0.0)
        return root(u * u + v * v) + inside - corner

    return distance


def placed(
    shape: Distance, x: float, y: float, z: float, *, turn: float = 0.0, pitch: float = 0.0
) -> Distance:
    """A form with its origin at (x, y, z), pitched back about x and then turned about y, in radians."""
    cos, sin = math.cos(turn), math.sin(turn)
    up, back = math.cos(pitch), math.sin(pitch)

    def distance(p: Vec) -> Plane:
        dx, dy, dz = p[0] - x, p[1] - y, p[2] - z
        ux, uz = dx * cos + dz * sin, dz * cos - dx * sin
        return shape((ux, dy * up + uz * back, uz * up - dy * back))

    return distance
