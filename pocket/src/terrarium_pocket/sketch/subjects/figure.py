"""What figures are cut from: smooth outlines and tapered limbs, in units of the figure's own height.

A figure stands with its foot at (0, 0), y points up, and what has a face looks to the right.
"""

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np

from ..noise import Plane

# What a figure stands in.
Footing = Literal["land", "water", "air"]

# How light falls on a part: "round" swells from its outline, "turned" is a column around an upright axis,
# "flat" faces one way, "patch" only colours the part before it, "lamp" shines where it is dark enough.
Form = Literal["round", "turned", "flat", "patch", "lamp"]

_STEPS = 7
DARK = "#17120f"


class Part(NamedTuple):
    """Shapes, (n, 2) outlines or (n, 3) limbs, in one colour: ``#rrggbb``, or "ground" for the scene's.

    ``shade`` dims parts that lie in the shadow of others; ``soft`` blurs the edge of a patch; ``swell`` is
    how deep into a round part its edge curves; ``normal`` is where a flat part faces.
    """

    shapes: tuple[Plane, ...]
    colour: str
    form: Form = "round"
    shade: float = 1.0
    soft: float = 0.0
    swell: float = 0.13
    normal: tuple[float, float, float] = (0.0, 0.2, 0.98)


@dataclass(frozen=True)
class Figure:
    """Parts from back to front, ``height`` in picture units where it is nearest, and what it stands in.

    ``beam`` is the height of a lamp that throws a beam, in the figure's units, 0 for none; ``sinks`` is how
    far above its foot a figure goes over into the ground.
    """

    parts: tuple[Part, ...]
    height: float
    stands: Footing = "land"
    beam: float = 0.0
    sinks: float = 0.012


def bounds(shape: Plane) -> Plane:
    """The corners of a shape with the least and the greatest coordinates, shape (2, 2)."""
    reach = shape[:, 2:] if shape.shape[1] == 3 else np.zeros((len(shape), 1), np.float32)
    corners: Plane = np.stack([(shape[:, :2] - reach).min(axis=0), (shape[:, :2] + reach).max(axis=0)])
    return corners


def extent(figure: Figure, side: float) -> tuple[float, float, float, float]:
    """Left, right, lower and upper end of a figure that looks to ``side``, in its own units."""
    every: Plane = np.concatenate([bounds(shape) for part in figure.parts for shape in part.shapes])
    across = every[:, 0] * side
    return float(across.min()), float(across.max()), float(every[:, 1].min()), float(every[:, 1].max())


def dyed(figure: Figure, colour: str) -> Figure:
    """A figure whose largest colour is another one."""
    areas: dict[str, float] = {}
    for part in figure.parts:
        if part.form in {"round", "turned", "flat"}:
            corners: Plane = np.concatenate([shape[:, :2] for shape in part.shapes])
            wide, high = (corners.max(axis=0) - corners.min(axis=0)).tolist()
            areas[part.colour] = areas.get(part.colour, 0.0) + wide * high
    most = max(areas, key=lambda name: areas[name])
    parts = tuple(part._replace(colour=colour) if part.colour == most else part for part in figure.parts)
    return replace(figure, parts=parts)


def face(*points: tuple[float, float]) -> Plane:
    """An outline with corners."""
    return np.array(points, dtype=np.float32)


def blob(*points: tuple[float, float]) -> Plane:
    """A closed smooth outline through points."""
    ring = np.array(points, dtype=np.float32)
    return _spline(np.concatenate([ring[-1:], ring, ring[:2]]))[:-1]


def limb(*points: tuple[float, float, float]) -> Plane:
    """A smooth line through points (x, y, half its width there)."""
    line = np.array(points, dtype=np.float32)
    first, last = 2 * line[:1] - line[1:2], 2 * line[-1:] - line[-2:-1]
    drawn = _spline(np.concatenate([first, line, last]))
    drawn[:, 2] = np.maximum(drawn[:, 2], 0.002)
    return drawn


def box(left: float, bottom: float, right: float, top: float) -> Plane:
    """An upright rectangle."""
    return face((left, bottom), (right, bottom), (right, top), (left, top))


def eye(x: float, y: float, radius: float = 0.011) -> Part:
    """An animal's eye."""
    return Part((disc(x, y, radius),), DARK, "flat", 0.4)


def disc(x: float, y: float, radius: float) -> Plane:
    """A round spot."""
    return np.array([(x, y, radius)], dtype=np.float32)


def _spline(points: Plane) -> Plane:
    """Catmull-Rom through all but the first and last of points (n, k)."""
    t: Plane = np.linspace(0.0, 1.0, _STEPS, endpoint=False, dtype=np.float32)[:, None]
    pieces: list[Plane] = []
    for index in range(1, len(points) - 2):
        a, b, c, d = points[index - 1 : index + 3]
        bend: Plane = 2 * a - 5 * b + 4 * c - d
        twist: Plane = 3 * b - a - 3 * c + d
        pieces.append(0.5 * (2 * b + (c - a) * t + bend * t**2 + twist * t**3))
    pieces.append(points[-2:-1])
    return np.concatenate(pieces).astype(np.float32)
