"""Figures and their parts: smooth outlines and tapered limbs, in units of the figure's own height.

A figure stands with its foot at (0, 0); y points up; animals and people look to the right.
"""

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np

from ..arrays import Array

# The element in which a figure stands, floats or flies.
Footing = Literal["land", "water", "air"]

# The shading of a part: "round" curves from its outline, "column" is a column around an upright axis, "flat"
# has one normal, "patch" only colours the part before it, "lamp" shines in the dark.
Form = Literal["round", "column", "flat", "patch", "lamp"]

_STEPS = 7
DARK = "#17120f"


class Part(NamedTuple):
    """Shapes, (n, 2) outlines or (n, 3) limbs, in one colour: ``#rrggbb``, or "ground" for the scene's.

    ``shade`` dims parts in the shadow of others; ``soft`` is the blur of a patch's edge; ``swell`` is the
    width of the curved edge of a round part; ``normal`` is the normal of a flat part.
    """

    shapes: tuple[Array, ...]
    colour: str
    form: Form = "round"
    shade: float = 1.0
    soft: float = 0.0
    swell: float = 0.13
    normal: tuple[float, float, float] = (0.0, 0.2, 0.98)


@dataclass(frozen=True)
class Figure:
    """Parts from back to front; ``height`` in picture units at the nearest place; what it stands in.

    ``beam`` is the height of a lamp with a beam, in the figure's units, 0 for none; ``sinks`` is the height
    over which its foot fades into the ground.
    """

    parts: tuple[Part, ...]
    height: float
    stands: Footing = "land"
    beam: float = 0.0
    sinks: float = 0.012


def bounds(shape: Array) -> Array:
    """The bounding box of a shape, shape (2, 2): least and greatest x and y."""
    reach = shape[:, 2:] if shape.shape[1] == 3 else np.zeros((len(shape), 1), np.float32)
    corners: Array = np.stack([(shape[:, :2] - reach).min(axis=0), (shape[:, :2] + reach).max(axis=0)])
    return corners


def extent(figure: Figure, side: float) -> tuple[float, float, float, float]:
    """Left, right, lower and upper bound of a figure that looks to ``side``, in its own units."""
    every: Array = np.concatenate([bounds(shape) for part in figure.parts for shape in part.shapes])
    across = every[:, 0] * side
    return float(across.min()), float(across.max()), float(every[:, 1].min()), float(every[:, 1].max())


def recoloured(figure: Figure, colour: str) -> Figure:
    """A figure with the colour of its largest area replaced."""
    areas: dict[str, float] = {}
    for part in figure.parts:
        if part.form in {"round", "column", "flat"}:
            corners: Array = np.concatenate([shape[:, :2] for shape in part.shapes])
            wide, high = (corners.max(axis=0) - corners.min(axis=0)).tolist()
            areas[part.colour] = areas.get(part.colour, 0.0) + wide * high
    most = max(areas, key=lambda name: areas[name])
    parts = tuple(part._replace(colour=colour) if part.colour == most else part for part in figure.parts)
    return replace(figure, parts=parts)


def polygon(*points: tuple[float, float]) -> Array:
    """An outline with corners."""
    return np.array(points, dtype=np.float32)


def blob(*points: tuple[float, float]) -> Array:
    """A closed smooth outline through points."""
    ring = np.array(points, dtype=np.float32)
    return _spline(np.concatenate([ring[-1:], ring, ring[:2]]))[:-1]


def limb(*points: tuple[float, float, float]) -> Array:
    """A smooth line through points (x, y, half its width there)."""
    line = np.array(points, dtype=np.float32)
    first, last = 2 * line[:1] - line[1:2], 2 * line[-1:] - line[-2:-1]
    drawn = _spline(np.concatenate([first, line, last]))
    drawn[:, 2] = np.maximum(drawn[:, 2], 0.002)
    return drawn


def box(left: float, bottom: float, right: float, top: float) -> Array:
    """An upright rectangle."""
    return polygon((left, bottom), (right, bottom), (right, top), (left, top))


def eye(x: float, y: float, radius: float = 0.011) -> Part:
    """An animal's eye."""
    return Part((disc(x, y, radius),), DARK, "flat", 0.4)


def disc(x: float, y: float, radius: float) -> Array:
    """A round spot."""
    return np.array([(x, y, radius)], dtype=np.float32)


def _spline(points: Array) -> Array:
    """Catmull-Rom through all but the first and last of points (n, k)."""
    t: Array = np.linspace(0.0, 1.0, _STEPS, endpoint=False, dtype=np.float32)[:, None]
    pieces: list[Array] = []
    for index in range(1, len(points) - 2):
        a, b, c, d = points[index - 1 : index + 3]
        bend: Array = 2 * a - 5 * b + 4 * c - d
        twist: Array = 3 * b - a - 3 * c + d
        pieces.append(0.5 * (2 * b + (c - a) * t + bend * t**2 + twist * t**3))
    pieces.append(points[-2:-1])
    return np.concatenate(pieces).astype(np.float32)
