"""What stands on the product table: a solid, and what it is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..noise import Plane
from ..plain import larger, root, smaller
from ..solid import Bound, Distance, Vec

_NEAR = 0.2  # nearer than this to the ball around a part, the part itself is measured

# Albedo (3, n) and gloss (n,) at points of a surface.
Coat = Callable[[Vec], tuple[Plane, Plane]]

# A colour, shape (3,), or what paints (n,) points.
Tone = Plane | Callable[[Vec], Plane]


@dataclass(frozen=True)
class Ware:
    """A solid with its materials: a ``coat`` of its own, or glazes told apart by height and radius.

    ``body``, ``lid``, ``liquid`` name materials; ``dip`` is the height of a glaze line, ``label`` a band of
    heights. ``flames`` are points that burn; ``clear`` is how much of
    what is behind shows through; ``above`` raises the camera so that it looks down into things, ``near``
    brings it closer.
    """

    shape: Distance
    bound: Bound
    body: str = "coat"
    liquid_level: float = -1.0
    liquid_radius: float = 0.0
    liquid: str = "coffee"
    lid_from: float = 9.0
    lid: str = "metal"
    dip: float = -1.0
    label: tuple[float, float] | None = None
    gloss: float = 1.0
    steams: bool = False
    flames: tuple[tuple[float, float, float], ...] = ()
    coat: Coat | None = None
    clear: Callable[[Vec], Plane] | None = None
    above: float = 0.0
    near: float = 1.0


class Piece(NamedTuple):
    """One part of a thing: its shape, and a colour, shape (3,), or what paints it at (n,) points.

    ``around`` is the middle and the radius of a ball that holds the part, measured from near only.
    """

    shape: Distance
    colour: Tone
    gloss: float | Callable[[Vec], Plane] = 0.5
    around: tuple[float, float, float, float] | None = None


def union(pieces: tuple[Piece, ...]) -> Distance:
    """The distance to the nearest piece."""

    def distance(p: Vec) -> Plane:
        nearest = pieces[0].shape(p)
        for piece in pieces[1:]:
            if piece.around is None:
                nearest = smaller(nearest, piece.shape(p))
                continue
            x, y, z, radius = piece.around
            u, v, w = p[0] - x, p[1] - y, p[2] - z
            gap = root(u * u + v * v + w * w) - radius
            near: NDArray[np.intp] = np.nonzero(gap < smaller(nearest, _NEAR))[0]
            found = nearest[near]
            nearest = smaller(nearest, larger(gap, _NEAR))
            if near.size:
                spot: Vec = p[0][near], p[1][near], p[2][near]
                nearest[near] = smaller(found, piece.shape(spot))
        return nearest

    return distance


def painted(pieces: tuple[Piece, ...]) -> Coat:
    """Each point in the colour of the piece it lies on."""

    def coat(p: Vec) -> tuple[Plane, Plane]:
        owner = np.argmin(np.stack([piece.shape(p) for piece in pieces]), axis=0)
        albedo = np.zeros((3, owner.size), dtype=np.float32)
        gloss = np.zeros(owner.size, dtype=np.float32)
        for number, piece in enumerate(pieces):
            mine = owner == number
            if not mine.any():
                continue
            spot: Vec = p[0][mine], p[1][mine], p[2][mine]
            albedo[:, mine] = piece.colour(spot) if callable(piece.colour) else piece.colour[:, None]
            gloss[mine] = piece.gloss(spot) if callable(piece.gloss) else piece.gloss
        return albedo, gloss

    return coat
